"""SQL that would repair the drift of a database. It is printed for an operator, and never executed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.operations import ops as operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.schema import CreateIndex, CreateTable

from backend.models.base import Base
from backend.schema.drift import differences, find_other_predicates

DROPS_DATA = (operations.DropTableOp, operations.DropColumnOp)


def repair_plan(connection: Connection) -> list[str]:
    """SQL statements and comments, in the order in which to run them. Empty if there is no drift."""
    changes = differences(connection)
    plan = _plan_sqlite(connection, changes) if connection.dialect.name == "sqlite" else _plan(connection, changes)
    remade = [line for index in find_other_predicates(connection) for line in _remake(connection, index)]
    return [*plan, *remade]


def _remake(connection: Connection, index: sa.Index) -> Iterator[str]:
    yield f"DROP INDEX {index.name};"
    yield f"{str(CreateIndex(index).compile(dialect=connection.dialect)).strip()};"


def _plan(connection: Connection, changes: list[Any]) -> Iterator[str]:
    for change in changes:
        sql = _render(connection, change)
        if isinstance(change, DROPS_DATA):
            yield f"-- The models do not have this. Dropping it deletes its content:\n-- {sql}"
        elif isinstance(change, operations.AddColumnOp) and _needs_value(change.column):
            yield f"-- Existing rows have no value for this. Add a suitable DEFAULT:\n{sql}"
        elif isinstance(change, operations.AlterColumnOp) and change.modify_nullable is False:
            column = f"{change.table_name}.{change.column_name}"
            yield f"-- This fails if {column} is null in a row. Set a value first:\n{sql}"
        else:
            yield sql


def _needs_value(column: sa.Column[Any]) -> bool:
    return not column.nullable and column.server_default is None


def _render(connection: Connection, change: Any) -> str:
    buffer = io.StringIO()
    context = MigrationContext.configure(
        dialect=connection.dialect, opts={"as_sql": True, "output_buffer": buffer, "literal_binds": True}
    )
    Operations(context).invoke(change)
    return "\n".join(line for line in buffer.getvalue().strip().splitlines() if line.strip())


def _plan_sqlite(connection: Connection, changes: list[Any]) -> Iterator[str]:
    """The statements for SQLite, which can alter little of a table: for other changes the table is rebuilt."""
    direct = (operations.CreateTableOp, operations.DropTableOp, operations.CreateIndexOp, operations.DropIndexOp)
    rebuilt: list[str] = []
    for change in changes:
        name = getattr(change, "table_name", None) or getattr(change, "source_table", None)
        if isinstance(change, operations.DropColumnOp):
            yield (
                f"-- The models do not have this. Dropping it deletes its content:\n"
                f"-- ALTER TABLE {name} DROP COLUMN {change.column_name};"
            )
        elif not isinstance(change, direct) and name not in rebuilt:
            rebuilt.append(str(name))
    for change in changes:
        if isinstance(change, direct) and getattr(change, "table_name", None) not in rebuilt:
            yield from _plan(connection, [change])
    for name in rebuilt:
        yield from _rebuild(connection, name)


def _rebuild(connection: Connection, name: str) -> Iterator[str]:
    live = {column["name"]: column for column in sa.inspect(connection).get_columns(name)}
    copied = sa.MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        table.to_metadata(copied)
    wanted = copied.tables[name]
    for unknown in live.keys() - set(wanted.columns.keys()):
        wanted.append_column(sa.Column(unknown, live[unknown]["type"], nullable=True))
    missing = [c.name for c in wanted.columns if c.name not in live and _needs_value(c)]
    shared = ", ".join(f'"{column.name}"' for column in wanted.columns if column.name in live)
    draft = str(CreateTable(wanted).compile(dialect=connection.dialect)).strip()
    yield f"-- SQLite cannot alter {name} in place, so it is rebuilt. Stop the server and copy the file first."
    if missing:
        yield f"-- Existing rows have no value for {', '.join(missing)}. Add one to the SELECT below."
    yield "PRAGMA foreign_keys=OFF;\nBEGIN IMMEDIATE;"
    yield draft.replace(f"CREATE TABLE {name} ", f"CREATE TABLE repaired_{name} ", 1) + ";"
    yield f"INSERT INTO repaired_{name} ({shared}) SELECT {shared} FROM {name};"  # noqa: S608
    yield f"DROP TABLE {name};\nALTER TABLE repaired_{name} RENAME TO {name};"
    for index in sorted(wanted.indexes, key=lambda index: str(index.name)):
        yield f"{str(CreateIndex(index).compile(dialect=connection.dialect)).strip()};"
    yield "COMMIT;\nPRAGMA foreign_keys=ON;"
