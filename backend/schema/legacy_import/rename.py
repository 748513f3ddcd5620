"""Renames tables, indexes and sequences with names that Confab needs, and redirects the foreign keys of tables that stay."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, exc, text

from backend.models.base import Base
from backend.schema.legacy_import.report import Report

PREFIX = "legacy_"
LONGEST_NAME = 63
_LEFT = re.compile(r"legacy_(.+?)(?:_[0-9]+)?")


def legacy_name(name: str, taken: Iterable[str] = ()) -> str:
    """A free name that begins with `legacy_` and is short enough for PostgreSQL."""
    wanted, taken = PREFIX + name, set(taken)
    for number in range(1, 1000):
        tail = "" if number == 1 else f"_{number}"
        candidate = wanted + tail
        if len(candidate.encode()) > LONGEST_NAME:
            digest = hashlib.sha256(name.encode()).hexdigest()[:8]
            candidate = f"{wanted[: LONGEST_NAME - 9 - len(tail)]}_{digest}{tail}"
        if candidate not in taken:
            return candidate
    raise AssertionError(f"a thousand tables are called {wanted}")


def set_aside(connection: Connection, tables: Mapping[str, str]) -> dict[str, str]:
    """Rename each table to `legacy_` and the value that *tables* has for it, and return the new names.

    References among them and views of them are updated.
    """
    taken = set(sa.inspect(connection).get_table_names()) | set(sa.inspect(connection).get_view_names())
    renamed: dict[str, str] = {}
    for table, name in tables.items():
        renamed[table] = legacy_name(name, taken)
        taken.add(renamed[table])
        _run(connection, f"ALTER TABLE {_q(table)} RENAME TO {_q(renamed[table])}")
        if connection.dialect.name == "postgresql":
            _rename_relations(connection, renamed[table])
        else:
            _remake_indexes(connection, renamed[table])
    return renamed


def _rename_relations(connection: Connection, table: str) -> None:
    """For PostgreSQL, where the tables, indexes and sequences of a schema share one namespace."""
    statement = text(
        """
        SELECT c.relname, c.relkind FROM pg_class c
        WHERE c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = CAST(:table AS regclass))
           OR (c.relkind = 'S' AND c.oid IN (SELECT objid FROM pg_depend
               WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjid = CAST(:table AS regclass)))
        """
    )
    taken = set(
        connection.scalars(text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"))
    )
    for name, kind in connection.execute(statement, {"table": _q(table)}).all():
        if name.startswith(PREFIX):
            continue
        free = legacy_name(name, taken)
        taken.add(free)
        what = "SEQUENCE" if kind in ("S", b"S") else "INDEX"
        _run(connection, f"ALTER {what} {_q(name)} RENAME TO {_q(free)}")


def _remake_indexes(connection: Connection, table: str) -> None:
    """For SQLite, where index names are unique in the file, and an index cannot be renamed."""
    found = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table AND sql IS NOT NULL"),
        {"table": table},
    ).all()
    taken = set(connection.scalars(text("SELECT name FROM sqlite_master")))
    for name, definition in found:
        if name.startswith(PREFIX):
            continue
        free = legacy_name(name, taken)
        taken.add(free)
        head = re.compile(
            r"(?is)^\s*CREATE\s+(UNIQUE\s+)?INDEX\s+(IF\s+NOT\s+EXISTS\s+)?(\"(?:[^\"]|\"\")+\"|\S+?)\s+ON\b"
        )
        remade = head.sub(lambda m: f"CREATE {m[1] or ''}INDEX {_q(free)} ON", definition, count=1)  # noqa: B023
        _run(connection, f"DROP INDEX {_q(name)}")
        try:
            with connection.begin_nested():
                _run(connection, remade)
        except exc.DatabaseError:
            continue  # the legacy tables are an archive and can do without this index


def point_back(connection: Connection, renamed: dict[str, str], report: Report) -> None:
    """Make the foreign keys of tables that stay refer to Confab's tables, which have the same ids."""
    if connection.dialect.name == "postgresql":
        _point_back_postgresql(connection, renamed, report)
    else:
        _point_back_sqlite(connection, renamed, report)


def _point_back_postgresql(connection: Connection, renamed: dict[str, str], report: Report) -> None:
    statement = text(
        """
        SELECT k.conname, t.relname AS referring, f.relname AS referred, pg_get_constraintdef(k.oid) AS definition
        FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
        WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace
          AND f.relname = ANY(:moved) AND t.relname <> ALL(:moved)
        """
    )
    moved, ours = list(renamed.values()), {new: old for old, new in renamed.items()}
    for key in connection.execute(statement, {"moved": moved}).all():
        definition = re.sub(
            r"REFERENCES (?:\S+\.)?\"?" + re.escape(key.referred) + r"\"?\(",
            f"REFERENCES {_q(ours[key.referred])}(",
            key.definition,
        ).replace(" NOT VALID", "")
        table, name = _q(key.referring), _q(key.conname)
        try:
            with connection.begin_nested():
                _run(connection, f"ALTER TABLE {table} DROP CONSTRAINT {name}")
                _run(connection, f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID")
        except exc.DBAPIError:
            report.name(f"The foreign key {key.conname} of {key.referring} still refers to {key.referred}.")


def _point_back_sqlite(connection: Connection, renamed: dict[str, str], report: Report) -> None:
    """SQLite cannot change a foreign key. Its manual allows to edit the stored definition, as is done here."""
    found = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
    ).all()
    edits: dict[str, str] = {}
    for name, definition in found:
        if name in renamed.values():
            continue
        edited = definition
        for ours, theirs in renamed.items():
            edited = re.sub(
                rf"(?i)(REFERENCES\s+)[\"'`\[]?{re.escape(theirs)}[\"'`\]]?(?=[\s(,)])", rf'\1"{ours}"', edited
            )
        if edited != definition:
            edits[name] = edited
    if not edits:
        return
    version = int(_run(connection, "PRAGMA schema_version").scalar() or 0)
    _run(connection, "PRAGMA writable_schema=ON")
    try:
        for name, edited in edits.items():
            connection.execute(
                text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :name"),
                {"sql": edited, "name": name},
            )
        _run(connection, f"PRAGMA schema_version={version + 1}")
    finally:
        _run(connection, "PRAGMA writable_schema=OFF")


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def list_legacy(connection: Connection) -> dict[str, int]:
    """The renamed tables of an adoption, with their row counts."""
    ours = {*Base.metadata.tables, "alembic_version"}
    found = ((name, _LEFT.fullmatch(name)) for name in sa.inspect(connection).get_table_names())
    names = sorted(name for name, parts in found if parts is not None and parts[1] in ours)
    return {name: int(connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0) for name in names}


def drop_legacy(connection: Connection, tables: Iterable[str]) -> None:
    """Drop *tables* and the foreign keys among them, and nothing else."""
    names = ", ".join(_q(name) for name in tables)
    if connection.dialect.name == "postgresql":
        _run(connection, f"DROP TABLE {names}")
        return
    # SQLite drops one table at a time and first deletes its rows, which foreign keys of the other tables might refuse.
    _run(connection, "PRAGMA defer_foreign_keys=ON")
    for name in tables:
        _run(connection, f"DROP TABLE {_q(name)}")


def _run(connection: Connection, statement: str) -> sa.CursorResult[Any]:
    """Execute *statement* unchanged: a name may have a percent sign."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
