"""Differences between the live database and the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.operations.ops import MigrateOperation, ModifyTableOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from backend.models.base import Base
from backend.schema.revisions import known_tables


def comparison(dialect: str) -> dict[str, Any]:
    """Options for Alembic's comparison. It includes types and defaults, except where SQLite has no such thing."""
    return {
        "compare_type": True,
        "compare_server_default": _ignore_identity if dialect == "sqlite" else True,
        "include_name": _is_ours,
    }


def _ignore_identity(_context: object, _inspected: object, column: sa.Column[Any], *_rest: object) -> bool | None:
    """Skip IDENTITY columns, which SQLite does not have. None means: compare as usual."""
    return False if column.identity is not None else None


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Skip tables that no model and no migration of Confab names. Adopted databases may have such tables."""
    return kind != "table" or name in Base.metadata.tables or name in known_tables()


def find_drift(connection: Connection) -> list[str]:
    """One sentence for each difference between the models and the database."""
    changes = [change for operation in differences(connection) for change in _changes(operation)]
    missing = {change[1].name for change in changes if change[0] == "add_table"}
    changes = [c for c in changes if c[0] != "add_index" or c[1].table.name not in missing]
    return [_sentence(change) for change in changes] + list(_find_unseen(connection))


def differences(connection: Connection) -> list[MigrateOperation]:
    """Alembic's operations that would make the database agree with the models."""
    context = MigrationContext.configure(connection, opts=comparison(connection.dialect.name))
    upgrade = produce_migrations(context, Base.metadata).upgrade_ops
    found: list[MigrateOperation] = []
    for operation in upgrade.ops if upgrade is not None else []:
        # The operations on one table are grouped.
        found += operation.ops if isinstance(operation, ModifyTableOps) else [operation]
    return found


def _changes(operation: MigrateOperation) -> list[tuple[Any, ...]]:
    """*operation* as tuples: an operation on a column has one for each attribute that differs."""
    change: Any = operation.to_diff_tuple()
    return change if isinstance(change, list) else [change]


def _sentence(change: tuple[Any, ...]) -> str:
    """A sentence about the difference that *change* would repair."""
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
    what = {"fk": "foreign key", "constraint": "unique constraint"}.get(what, what)
    item = about[0]
    table = getattr(item.table, "name", "?")
    return f"{what} {item.name} of {table} is {'missing' if action == 'add' else 'unknown'}"


def _plain(value: Any) -> str:
    return str(getattr(getattr(value, "arg", value), "text", getattr(value, "arg", value)))


def _find_unseen(connection: Connection) -> Iterator[str]:
    """What Alembic does not compare: primary keys, the WHERE of partial indexes, and unfinished indexes."""
    inspector, dialect = sa.inspect(connection), connection.dialect.name
    for name in sorted(set(inspector.get_table_names()) & set(Base.metadata.tables)):
        found_key = inspector.get_pk_constraint(name)["constrained_columns"]
        if set(found_key) != {column.name for column in Base.metadata.tables[name].primary_key}:
            yield f"primary key of {name} is on {', '.join(found_key) or 'nothing'}"
    for index in find_other_predicates(connection):
        table = getattr(index.table, "name", "?")
        yield f"index {index.name} of {table} differs in its WHERE: it should be {_wanted(index, dialect) or 'none'}"
    if dialect == "postgresql":
        statement = (
            "SELECT c.relname, t.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            "JOIN pg_class t ON t.oid = i.indrelid "
            "WHERE NOT i.indisvalid AND t.relnamespace = current_schema()::regnamespace ORDER BY 1"
        )
        for index_name, name in connection.execute(sa.text(statement)):
            if name in Base.metadata.tables:
                yield f"index {index_name} of {name} is not valid: its creation was interrupted"


def find_other_predicates(connection: Connection) -> Iterator[sa.Index]:
    """The indexes of the models that have another WHERE in the database."""
    inspector, dialect = sa.inspect(connection), connection.dialect.name
    for name in sorted(set(inspector.get_table_names()) & set(Base.metadata.tables)):
        found = {index["name"]: index.get("dialect_options", {}) for index in inspector.get_indexes(name)}
        for index in sorted(Base.metadata.tables[name].indexes, key=lambda index: str(index.name)):
            options = found.get(str(index.name))
            if options is not None and _wanted(index, dialect) != _predicate(options.get(f"{dialect}_where")):
                yield index


def _wanted(index: sa.Index, dialect: str) -> str:
    return _predicate(index.dialect_options[dialect].get("where"))


def _predicate(where: Any) -> str:
    return re.sub(r"[\s()\"]+", " ", str(where if where is not None else "")).strip().lower()
