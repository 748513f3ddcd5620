"""Confab whose sockets take their time to open and to resume, before and after they have looked at the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from backend.inbox.sync import sync_page
from backend.realtime import commands, gateway
from backend.realtime.delivery import history
from tests.realtime.altered import app

__all__ = ["app"]
SECONDS = 0.8  # a tick of the clock at least


def _slow(question: Callable[..., Any]) -> Callable[..., Any]:
    def ask(*args: Any, **kwargs: Any) -> Any:
        gevent.sleep(SECONDS)
        answer = question(*args, **kwargs)
        gevent.sleep(SECONDS)
        return answer

    return ask


gateway.heads_for = _slow(history.heads_for)
commands.sync_page = _slow(sync_page)
