"""Where the live database differs from the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from backend.models.base import Base


def comparison(dialect: str) -> dict[str, Any]:
    """How Alembic compares models to a database: types and defaults too, and without what SQLite cannot know."""
    return {
        "compare_type": True,
        "compare_server_default": _ignore_identity if dialect == "sqlite" else True,
    }


def _ignore_identity(_context: object, _inspected: object, column: sa.Column[Any], *_rest: object) -> bool | None:
    """SQLite numbers rows by itself and knows no IDENTITY: nothing to compare there. None means: compare as usual."""
    return False if column.identity is not None else None


def find_drift(connection: Connection) -> list[str]:
    """A sentence for each difference between the models and the database; empty where they agree.

    Tables that are not ours are none of our business: adopted databases have them.
    """
    ours = Base.metadata.tables
    context = MigrationContext.configure(
        connection,
        opts={
            **comparison(connection.dialect.name),
            "include_name": lambda name, kind, _parents: kind != "table" or name in ours,
        },
    )
    return [_sentence(change) for change in _flat(compare_metadata(context, Base.metadata))]


def _flat(changes: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Alembic groups what concerns one column as a list among the tuples."""
    for change in changes:
        if isinstance(change, list):
            yield from change
        else:
            yield change


def _sentence(change: tuple[Any, ...]) -> str:
    """*change*, which is what would mend the database, as what is wrong with it."""
    kind, *about = change
    if kind in ("add_table", "remove_table"):
        table = about[0].name
        return f"table {table} is missing" if kind == "add_table" else f"table {table} is unknown"
    if kind in ("add_column", "remove_column"):
        _schema, table, column = about
        return f"column {table}.{column.name} is {'missing' if kind == 'add_column' else 'unknown'}"
    if kind.startswith("modify_"):
        _schema, table, column, _existing, found, wanted = about
        what = kind.removeprefix("modify_").replace("_", " ")
        return f"column {table}.{column} differs in {what}: {_plain(found)} instead of {_plain(wanted)}"
    action, _, what = kind.partition("_")
    item = about[0]
    table = getattr(item.table, "name", "?")
    return f"{what} {item.name} of {table} is {'missing' if action == 'add' else 'unknown'}"


def _plain(value: Any) -> str:
    return str(getattr(value, "arg", value))
