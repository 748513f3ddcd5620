"""Counting the statements of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from backend.database import read_engine
from backend.models.base import db

_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "DEALLOCATE", "PREPARE")


@contextmanager
def count_queries(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that *app* sends to its database, without BEGIN, COMMIT and ROLLBACK.

    Statements that prepare others are left out too, because each connection runs them once. The list is filled
    meanwhile: `with count_queries(app) as queries: ...; assert len(queries) == 3`.
    """
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(_NOT_COUNTED):
            statements.append(statement)

    with listening(app, "before_cursor_execute", record):
        yield statements


@contextmanager
def count_parameters(app: Flask) -> Iterator[list[int]]:
    """Collect the number of parameters of each statement that *app* sends to its database."""
    counts: list[int] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(_NOT_COUNTED):
            counts.append(len(parameters))

    with listening(app, "before_cursor_execute", record):
        yield counts


@contextmanager
def listening(app: Flask, name: str, listener: Callable[..., Any], **options: Any) -> Iterator[None]:
    """Call *listener* at the event *name* of both engines of *app*."""
    with app.app_context():
        writing, reader = db.engine, read_engine(db.engine)
    # Engines that share a pool share their listeners.
    engines = [writing] if reader.pool is writing.pool else [writing, reader]
    for engine in engines:
        event.listen(engine, name, listener, **options)
    try:
        yield
    finally:
        for engine in engines:
            event.remove(engine, name, listener)
