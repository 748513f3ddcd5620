"""Confab whose database and Redis fail now and then.

The database fails at every second page of a repair, at every later page of a resumption, and at every second step of presence.
Redis fails at every second exchange of the records of presence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import redis
from sqlalchemy.exc import OperationalError

from backend.inbox.sync import SyncPage, sync_page
from backend.realtime import commands
from backend.realtime.delivery import history
from backend.realtime.presence import tracker
from backend.realtime.presence.store import RedisPresenceStore
from tests.realtime.overridden_constants import app

__all__ = ["app"]

_away = OperationalError("planted", None, ConnectionError("planted"))


def _failing(function: Callable[..., Any], error: Exception, first: int) -> Callable[..., Any]:
    """*function*, whose call number *first* and every second one after it raise *error*."""
    calls = itertools.count(1)

    def run(*args: Any) -> Any:
        if next(calls) % 2 == first % 2:
            raise error
        return function(*args)

    return run


def _failing_sync(*args: Any, only: Any = None) -> SyncPage:
    if only is not None:
        raise _away
    return sync_page(*args, only=only)


history.load_changes = _failing(history.load_changes, _away, first=2)
commands.sync_page = _failing_sync
tracker.watchers = _failing(tracker.watchers, _away, first=1)
tracker.utcnow = _failing(tracker.utcnow, _away, first=1)  # is called for the time when a user was last seen
RedisPresenceStore.exchange = _failing(RedisPresenceStore.exchange, redis.ConnectionError("planted"), first=1)
