"""What the parts of the realtime server run in: the application's context, and greenlets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import gevent
from flask import Flask, g

from backend.database import is_unavailable

log = logging.getLogger("confab.realtime")


class Runtime:
    """Gives the parts of one worker's realtime server access to the database, and runs their background tasks."""

    def __init__(self, app: Flask):
        self._app = app

    def app_context(self) -> AbstractContextManager[object]:
        """The application's context, with a session of its own that may write."""
        return self._app.app_context()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A context that reads the database, each statement in a transaction of its own."""
        with self._app.app_context():
            g.is_read_only = True
            yield

    def spawn(self, task: Callable[..., None], *args: Any, after: float = 0) -> None:
        """Run *task* in a greenlet, *after* seconds. A failure is logged; the reconciler repeats what matters."""
        gevent.spawn_later(after, self._run, task, *args)

    def _run(self, task: Callable[..., None], *args: Any) -> None:
        try:
            task(*args)
        except Exception as error:
            if is_unavailable(error):
                log.warning("%s failed: the database is away", task.__name__)
            else:
                log.exception("%s failed", task.__name__)
