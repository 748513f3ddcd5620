"""Confab whose database fails at every second page of a repair, and at every later page of a resumption."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy.exc import OperationalError

from backend.inbox.sync import SyncPage, sync_page
from backend.realtime import commands
from backend.realtime.delivery import history
from tests.realtime.overridden_constants import app

__all__ = ["app"]
_calls = itertools.count(1)
_load_changes = history.load_changes


def _failing(name: str, since: int) -> history.Changes:
    if next(_calls) % 2 == 0:
        raise OperationalError("planted", None, ConnectionError("planted"))
    return _load_changes(name, since)


history.load_changes = _failing


def _failing_sync(*args: Any, only: Any = None) -> SyncPage:
    if only is not None:
        raise OperationalError("planted", None, ConnectionError("planted"))
    return sync_page(*args, only=only)


commands.sync_page = _failing_sync
