"""Reads a legacy table with a map: for each of Confab's columns, the names that it may have."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.types import Date, DateTime

Map = Mapping[str, tuple[str, ...]]
BATCH = 1000


class Source:
    """The rows of a legacy table, as dicts with Confab's names. `used` collects the columns that were read.

    *mapped* gives columns another name, in place of their own and of a column that has that name.
    """

    def __init__(self, connection: Connection, name: str, mapped: Mapping[str, str] | None = None):
        self.connection = connection
        self.name = name
        mapped = mapped or {}
        found = {str(c["name"]): c["type"] for c in sa.inspect(connection).get_columns(name)}
        self.own_names = {column: column for column in found if column not in mapped and column not in mapped.values()}
        self.own_names |= {ours: column for column, ours in mapped.items()}
        self.types = {ours: found[column] for ours, column in self.own_names.items()}
        self._columns = set(found)
        key = sa.inspect(connection).get_pk_constraint(name)["constrained_columns"]
        self.has_key = key == [self.own_names.get("id")] and isinstance(self.types["id"], sa.Integer)
        self.used: set[str] = set()

    def has(self, *names: str) -> bool:
        """Whether the table has one of these columns."""
        return any(name in self.types for name in names)

    def count(self) -> int:
        """The number of rows."""
        return int(self.connection.scalar(sa.select(sa.func.count()).select_from(sa.table(self.name))) or 0)

    def highest_id(self) -> int:
        """The largest id. 0 without a column of integers for it."""
        if not isinstance(self.types.get("id"), sa.Integer):
            return 0
        column: sa.ColumnElement[Any] = sa.column(self.own_names["id"])
        largest = sa.select(sa.func.max(column)).select_from(sa.table(self.name))
        highest = self.connection.scalar(largest)
        return highest if isinstance(highest, int) else 0

    def rows(self, wanted: Map) -> Iterator[dict[str, Any]]:
        """All rows, in order of id if there is one. A column that the table does not have is None."""
        found = {ours: self._find(theirs) for ours, theirs in wanted.items()}
        present = {ours: name for ours, name in found.items() if name is not None}
        missing = dict.fromkeys(ours for ours, name in found.items() if name is None)
        if not present:
            return
        self.used |= set(present.values())
        columns = [self._column(name).label(f"c{i}") for i, name in enumerate(present.values())]
        statement = sa.select(*columns).select_from(sa.table(self.name))
        if "id" in self.types:
            statement = statement.order_by(sa.column(self.own_names["id"]))
        result = self.connection.execute(statement, execution_options={"yield_per": BATCH})
        for row in result:
            yield {**missing, **dict(zip(present, row, strict=True))}

    def unused(self) -> list[str]:
        """The columns that were not read."""
        return sorted(self._columns - {self.own_names[name] for name in self.used})

    def _find(self, names: tuple[str, ...]) -> str | None:
        return next((name for name in names if name in self.types), None)

    def _column(self, name: str) -> sa.ColumnElement[Any]:
        column: sa.ColumnElement[Any] = sa.column(self.own_names[name])
        if self.connection.dialect.name == "postgresql" and isinstance(self.types[name], DateTime | Date):
            # As text: the driver cannot represent 'infinity' or years before 1.
            return sa.cast(column, sa.Text)
        return column


def batches(rows: Iterator[dict[str, Any]], size: int = BATCH) -> Iterator[list[dict[str, Any]]]:
    """*rows* in lists of *size*."""
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def insert(connection: Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    """Write *rows*, which have the same keys, in batches."""
    for batch in batches(rows):
        if connection.dialect.name == "postgresql":
            _copy(connection, table, batch)
        else:
            connection.execute(sa.insert(table), batch)


def _copy(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Write with COPY, which takes a tenth of the time of INSERT."""
    columns = ", ".join(rows[0])
    lines = "".join("\t".join(map(_as_copied, row.values())) + "\n" for row in rows)
    driver: Any = connection.connection
    with driver.cursor() as cursor:
        cursor.copy_expert(f"COPY {table.name} ({columns}) FROM STDIN", io.StringIO(lines))


def _as_copied(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return value.isoformat() if isinstance(value, datetime) else str(value)


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
