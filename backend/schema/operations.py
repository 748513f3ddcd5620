"""What migrations use instead of Alembic's own where the previous release goes on serving meanwhile.

Both are safe to repeat, so a migration that was killed is simply run again. A migration that uses one of them does nothing
else, because on PostgreSQL they end the transaction that they find.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

BATCH = 5000


def add_index(name: str, table: str, columns: list[str], *, unique: bool = False, where: str | None = None) -> None:
    """Make an index without stopping writers: concurrently on PostgreSQL. What a broken attempt left is dropped first."""
    predicate = sa.text(where) if where else None
    options: dict[str, Any] = {"unique": unique, "postgresql_where": predicate, "sqlite_where": predicate}
    if _is_alone():
        op.create_index(name, table, columns, if_not_exists=True, **options)
        return
    with op.get_context().autocommit_block():
        # It waits for transactions, not for tables, and nobody queues behind it.
        op.execute("SET lock_timeout = 0")
        broken = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid"
        if op.get_bind().execute(sa.text(broken), {"name": name}).first() is not None:
            op.drop_index(name, table_name=table, postgresql_concurrently=True)
        op.create_index(name, table, columns, if_not_exists=True, postgresql_concurrently=True, **options)
        op.execute("RESET lock_timeout")


def update_in_batches(table: str, values: str, where: str) -> None:
    """`UPDATE table SET values WHERE where`, a few thousand rows and one transaction at a time.

    *where* must be false for a row that was updated: so it ends, and so it goes on where it was killed.
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


def _is_alone() -> bool:
    """Whether nobody else uses the database: SQLite, and the one transaction of an adoption."""
    context = op.get_context()
    return context.dialect.name == "sqlite" or bool(context.opts.get("in_one_transaction"))
