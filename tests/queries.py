"""Counting the statements of a request."""

from __future__ import annotations

from collections.abc import Iterator
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

    with app.app_context():
        writing, reader = db.engine, read_engine(db.engine)
    engines = (
        [writing] if reader.pool is writing.pool else [writing, reader]
    )  # engines that share a pool share their listeners
    for engine in engines:
        event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)
