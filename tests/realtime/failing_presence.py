"""Confab whose database fails at every second step of presence, and whose Redis at every second exchange of records."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import redis
from sqlalchemy.exc import OperationalError

from backend.realtime.presence import tracker
from backend.realtime.presence.store import RedisPresenceStore
from tests.realtime.overridden_constants import app

__all__ = ["app"]


def _failing(function: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    calls = itertools.count(1)

    def run(*args: Any) -> Any:
        if next(calls) % 2 == 1:
            raise error
        return function(*args)

    return run


_away = OperationalError("planted", None, ConnectionError("planted"))
tracker.watchers = _failing(tracker.watchers, _away)
tracker.utcnow = _failing(tracker.utcnow, _away)  # is called for the time when a user was last seen
RedisPresenceStore.exchange = _failing(RedisPresenceStore.exchange, redis.ConnectionError("planted"))
