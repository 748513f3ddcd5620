"""Generates docs/schema.md from the models: the columns, indexes and constraints of every table, and a diagram."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper

from backend.models.base import Base

_dialect = postgresql.dialect()


def describe_schema() -> str:
    """The whole document."""
    tables = sorted(Base.metadata.tables.values(), key=lambda table: table.name)
    lines = [
        "# The schema",
        "",
        "Generated from the models by `flask schema docs`; a test checks that it is current. Times are aware and in UTC.",
        "On SQLite `BIGINT` keys are `INTEGER`, and rows are numbered by AUTOINCREMENT.",
        "",
        "```mermaid",
        "erDiagram",
        *_diagram(tables),
        "```",
    ]
    for table in tables:
        lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def _diagram(tables: list[sa.Table]) -> Iterator[str]:
    for table in tables:
        for column in table.columns:
            for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname):
                many = "o|" if column.unique or list(table.primary_key.columns) == [column] else "o{"
                one = "|o" if column.nullable else "||"
                yield f"    {key.column.table.name} {one}--{many} {table.name} : {column.name}"


def _table(table: sa.Table) -> Iterator[str]:
    yield f"## {table.name}"
    yield ""
    if (text := _doc(table)) is not None:
        yield text
        yield ""
    yield "| column | type | null | default | refers to |"
    yield "|---|---|---|---|---|"
    for column in table.columns:
        cells = (column.name, _type(column), "yes" if column.nullable else "no", _default(column), _refers(column))
        yield f"| {' | '.join(cells)} |"
    extras = [*_indexes(table), *_unique(table)]
    if extras:
        yield ""
        yield from sorted(extras)


def _doc(table: sa.Table) -> str | None:
    for mapper in Base.registry.mappers:
        if isinstance(mapper, Mapper) and mapper.local_table is table:
            return " ".join((inspect.getdoc(mapper.class_) or "").split())
    return None


def _type(column: sa.Column[object]) -> str:
    return str(column.type.compile(dialect=_dialect))


def _default(column: sa.Column[object]) -> str:
    if column.identity is not None:
        return "identity"
    default = column.server_default
    if not isinstance(default, sa.DefaultClause):
        return ""
    value = default.arg if isinstance(default.arg, str) else str(default.arg.compile(dialect=_dialect))
    return "now" if value == "CURRENT_TIMESTAMP" else value


def _refers(column: sa.Column[object]) -> str:
    return ", ".join(
        f"{key.target_fullname}{f' (on delete {key.ondelete.lower()})' if key.ondelete else ''}"
        for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname)
    )


def _indexes(table: sa.Table) -> Iterator[str]:
    for index in table.indexes:
        where = index.dialect_options["postgresql"].get("where")
        columns = ", ".join(column.name for column in index.columns)
        kind = "unique index" if index.unique else "index"
        yield f"- {kind} `{index.name}` ({columns}){f' where {where}' if where is not None else ''}"


def _unique(table: sa.Table) -> Iterator[str]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            name = constraint.name if isinstance(constraint.name, str) else ""
            yield f"- unique `{name}` ({', '.join(column.name for column in constraint.columns)})"
