"""Operations for migrations that run while the previous release serves.

All can be repeated, so a migration that was killed is run again. A migration that uses one of them must do nothing else,
because on PostgreSQL they end the current transaction.
"""

from __future__ import annotations

import time
from typing import Any

import click
import sqlalchemy as sa
from alembic import op

from backend.search.index import index_missing
from backend.search.version import record_version

BATCH = 5000
TELL_SECONDS = 2.0
"""How often a long migration says how far it is."""


def add_index(
    name: str,
    table: str,
    columns: list[str],
    *,
    unique: bool = False,
    where: str | None = None,
    using: str | None = None,
) -> None:
    """Create an index without blocking writers: on PostgreSQL concurrently. What an interrupted attempt left is dropped.

    *using* is the kind of index, on PostgreSQL.
    """
    predicate = sa.text(where) if where else None
    options: dict[str, Any] = {"unique": unique, "postgresql_where": predicate, "sqlite_where": predicate}
    if using is not None:
        options["postgresql_using"] = using
    if _is_alone():
        op.create_index(name, table, columns, if_not_exists=True, **options)
        return
    with op.get_context().autocommit_block():
        # It waits for transactions, not for table locks, and blocks no others.
        op.execute("SET lock_timeout = 0")
        broken = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid"
        if op.get_bind().execute(sa.text(broken), {"name": name}).first() is not None:
            op.drop_index(name, table_name=table, postgresql_concurrently=True)
        op.create_index(name, table, columns, if_not_exists=True, postgresql_concurrently=True, **options)
        op.execute("RESET lock_timeout")


def update_in_batches(table: str, values: str, where: str) -> None:
    """Run `UPDATE table SET values WHERE where` in transactions of a few thousand rows.

    *where* must be false for an updated row. That ends the loop, and lets a killed migration continue.
    """
    statement = sa.text(
        f"UPDATE {table} SET {values} WHERE id IN (SELECT id FROM {table} WHERE {where} ORDER BY id LIMIT {BATCH})"  # noqa: S608
    )
    if _is_alone():
        while op.get_bind().execute(statement).rowcount:
            pass
        return
    with op.get_context().autocommit_block():
        while op.get_bind().execute(statement).rowcount:
            pass


def index_messages_in_batches() -> None:
    """Index the messages that are missing from the search index, a few thousand in each transaction."""
    if _is_alone():
        _index_missing()
        return
    with op.get_context().autocommit_block():
        _index_missing()


def record_search_version() -> None:
    """Record that this code built the search index."""
    record_version(op.get_bind())


def _index_missing() -> None:
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT max(id) FROM messages"))
    told = time.monotonic()
    for reached in index_missing(connection):
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            click.echo(f"Indexed the messages up to id {reached} of {last}.")


def _is_alone() -> bool:
    """Whether this connection has the database to itself: on SQLite, and in the single transaction of an adoption."""
    context = op.get_context()
    return context.dialect.name == "sqlite" or bool(context.opts.get("in_one_transaction"))
