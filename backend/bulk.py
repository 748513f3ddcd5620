"""Deleting and updating many rows in small transactions, so that no other writer waits long for a lock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, delete, select

from backend.database import read_engine
from backend.models.base import Keyed, db

BATCH_SIZE = 500
"""Rows in one transaction."""


def batches_of_ids(wanted: Select[Any]) -> Iterator[list[int]]:
    """The ids that *wanted* selects, in ascending order: two sweeps at once then never wait for each other in a circle."""
    with read_engine(db.engine).connect() as connection:
        ids = sorted(connection.scalars(wanted))
    for start in range(0, len(ids), BATCH_SIZE):
        yield ids[start : start + BATCH_SIZE]


def execute_together(*statements: Executable) -> None:
    """Execute *statements* in one transaction of their own."""
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def delete_in_batches(model: type[Keyed], *which: ColumnElement[bool]) -> None:
    """Delete the rows of *model* for which all of *which* hold."""
    for ids in batches_of_ids(select(model.id).where(*which)):
        execute_together(delete(model).where(model.id.in_(ids)))
