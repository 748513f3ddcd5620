"""Confab whose database fails at every second page of a repair."""

from __future__ import annotations

import itertools

from sqlalchemy.exc import OperationalError

from backend.realtime import changes, following
from tests.realtime.altered import app

__all__ = ["app"]
_calls = itertools.count(1)


def _failing(name: str, since: int) -> changes.Changes:
    if next(_calls) % 2 == 0:
        raise OperationalError("planted", None, ConnectionError("planted"))
    return changes.load_changes(name, since)


following.load_changes = _failing
