"""Copies of all rows from one kind of database to the other, with a check of every row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from click import ClickException
from sqlalchemy import Connection, Engine

from backend.models import SearchVersion
from backend.models.base import Base
from backend.schema.legacy_import.source import insert
from backend.schema.legacy_import.users import restart_ids
from backend.schema.revisions import current_revisions, head_revision
from backend.search.index import index_missing
from backend.search.version import record_version

BATCH = 2000


def move(source: Engine, target: Engine, tell: Callable[[str], None]) -> None:
    """Copy every row from SQLite to an empty PostgreSQL database at head, in one transaction, and verify the copy.

    The source is read in one transaction and not changed. Raises ClickException.
    """
    with source.connect() as origin, target.connect() as destination:
        origin.exec_driver_sql("SELECT count(*) FROM alembic_version")  # begins the transaction that all reads share
        _check(origin, destination)
        destination.rollback()
        with destination.begin():
            destination.exec_driver_sql("SET LOCAL statement_timeout = 0")
            copy_rows(origin, destination, tell)


def copy_rows(origin: Connection, destination: Connection, tell: Callable[[str], None]) -> None:
    """Copy every row to an empty database, and verify the copy. Both are at head, and may be of different kinds.

    All statements of *origin* must see the same snapshot. Does not commit. Raises ClickException.
    """
    destination.execute(sa.text("DELETE FROM conversations"))
    for table in Base.metadata.sorted_tables:
        if table.info.get("is_derived"):
            continue
        insert(destination, table, _rows(origin, table, destination.dialect.name))
        count, digest = fingerprint(origin, table)
        if (count, digest) != fingerprint(destination, table):
            raise ClickException(f"The copy of {table.name} differs from the original. Nothing was moved.")
        tell(f"{table.name}: {count} rows moved and verified")
        if "id" in table.c and isinstance(table.c.id.type, sa.Integer):
            restart_ids(destination, table.name, _highest(origin, table.name))
    for _ in index_missing(destination):
        pass
    record_version(destination)


def find_rows(connection: Connection) -> str | None:
    """A table of Confab that has other rows than those of the migrations. None if there is none."""
    existing = set(sa.inspect(connection).get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name not in existing or table.name == SearchVersion.__tablename__:
            continue  # the migrations fill it
        kept = sa.select(sa.literal(1)).select_from(table)
        if table.name == "conversations":
            kept = kept.where(sa.or_(table.c.id != "lobby", table.c.last_modseq > 0))
        if connection.execute(kept.limit(1)).first() is not None:
            return table.name
    return None


def refuse_strangers(connection: Connection) -> None:
    """Raise ClickException if the target has tables of another program or revision."""
    existing = set(sa.inspect(connection).get_table_names())
    if existing & set(Base.metadata.tables) and current_revisions(connection) != (head_revision(),):
        raise ClickException(
            "The target is not empty: it has tables of another program or revision. Nothing was moved."
        )


def _check(origin: Connection, destination: Connection) -> None:
    head = (head_revision(),)
    if current_revisions(origin) != head:
        raise ClickException("The SQLite database is not at head. Run: flask db upgrade")
    if current_revisions(destination) != head:
        raise ClickException("The target is not at head. Nothing was moved.")
    if (table := find_rows(destination)) is not None:
        raise ClickException(f"The target is not empty: it has rows in {table}. Nothing was moved.")


def _rows(connection: Connection, table: sa.Table, target: str) -> Iterator[dict[str, Any]]:
    statement = sa.select(table).order_by(*table.primary_key.columns)
    for row in connection.execute(statement, execution_options={"yield_per": BATCH}).mappings():
        # PostgreSQL's COPY takes JSON as text.
        yield {n: _portable(table.c[n], value) if target == "postgresql" else value for n, value in row.items()}


def _portable(column: sa.Column[Any], value: Any) -> Any:
    return json.dumps(value) if isinstance(column.type, sa.JSON) and value is not None else value


def _highest(connection: Connection, table: str) -> int:
    """The highest id that *table* gave, also if its row was deleted."""
    statement = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    if connection.dialect.name == "postgresql":
        statement = sa.text("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, 'id') AS regclass))")
    return int(connection.scalar(statement, {"table": table}) or 0)


def fingerprint(connection: Connection, table: sa.Table) -> tuple[int, str]:
    """The number of rows of *table*, and a hash of them that is the same on both databases."""
    digest, count = hashlib.sha256(), 0
    for row in _sorted_rows(connection, table):
        count += 1
        digest.update("\x1f".join(_canonical(value) for value in row).encode("utf-8", "surrogatepass") + b"\x1e")
    return count, digest.hexdigest()


def _sorted_rows(connection: Connection, table: sa.Table) -> Iterator[Any]:
    key = list(table.primary_key.columns)
    # Text is sorted by bytes, whatever the collation of the database.
    order = [
        sa.collate(c, "C") if connection.dialect.name == "postgresql" and isinstance(c.type, sa.String) else c
        for c in key
    ]
    yield from connection.execute(sa.select(table).order_by(*order), execution_options={"yield_per": BATCH})


def _canonical(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return repr(value)
