"""Confab whose sockets take their time to open, before and after they have looked which conversations there are."""

from __future__ import annotations

import gevent

from backend.realtime import changes, socket
from tests.realtime.altered import app

__all__ = ["app"]
SECONDS = 0.8  # a tick of the clock at least


def _slow(user_id: int) -> list[changes.Head]:
    gevent.sleep(SECONDS)
    heads = changes.heads_for(user_id)
    gevent.sleep(SECONDS)
    return heads


socket.heads_for = _slow
