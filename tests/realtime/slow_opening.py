"""Confab that opens and resumes sockets slowly: it waits before and after it reads the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from backend.inbox.sync import sync_page
from backend.realtime import commands, gateway
from backend.realtime.delivery import history
from tests.realtime.overridden_constants import app

__all__ = ["app"]
SECONDS = 0.6  # more than one interval of the heartbeat


def _slow(query: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        gevent.sleep(SECONDS)
        result = query(*args, **kwargs)
        gevent.sleep(SECONDS)
        return result

    return run


gateway.heads_for = _slow(history.heads_for)
commands.sync_page = _slow(sync_page)
