"""Confab whose Redis is slow to hear of subscriptions: each is on its way for some time."""

from __future__ import annotations

from typing import Any

import gevent
from redis.connection import AbstractConnection

from tests.realtime.overridden_constants import app

__all__ = ["app"]
SECONDS = 0.3

send_command = AbstractConnection.send_command


def send_slowly(self: AbstractConnection, *args: Any, **kwargs: Any) -> None:
    if args[0] == "SUBSCRIBE":
        gevent.sleep(SECONDS)
    send_command(self, *args, **kwargs)


AbstractConnection.send_command = send_slowly
