"""Runs an adoption, in the transaction of the caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from backend.models.base import Base, utcnow
from backend.schema.legacy_import.detect import VERSION_TABLE, Legacy
from backend.schema.legacy_import.messages import adopt_messages
from backend.schema.legacy_import.rename import point_back, set_aside
from backend.schema.legacy_import.report import Report
from backend.schema.legacy_import.rooms import adopt_places
from backend.schema.legacy_import.sessions import adopt_sign_ins
from backend.schema.legacy_import.source import Source
from backend.schema.legacy_import.tables import TABLES
from backend.schema.legacy_import.users import adopt_roles, adopt_users, restart_ids


def adopt(connection: Connection, legacy: Legacy, migrate: Callable[[], None]) -> Report:
    """Rename the legacy tables, create Confab's with *migrate*, and copy the rows. Bad rows do not stop it."""
    report = Report()
    with _forgiving_text(connection):
        names = {theirs: ours for ours, theirs in legacy.taken.items()} | {name: name for name in legacy.displaced}
        if legacy.has_version_table:
            names[VERSION_TABLE] = VERSION_TABLE
        renamed = set_aside(connection, names)
        migrate()
        report.kept_as = renamed
        columns = legacy.mapping.columns
        sources = {
            ours: Source(connection, renamed[theirs], columns.get(theirs)) for ours, theirs in legacy.taken.items()
        }
        _carry(connection, sources, report)
        for name in legacy.displaced:
            report.name(f"The table {name} was not adopted, because --map names another one in its place.")
        point_back(
            connection,
            {name: renamed[theirs] for theirs, name in names.items() if theirs not in legacy.displaced},
            report,
        )
    _check_references(connection)
    return report


def _carry(connection: Connection, sources: dict[str, Source], report: Report) -> None:
    get = sources.get
    for table, source in sources.items():
        report.before[table] = source.count()
    if (users := get("users")) is not None:
        people = adopt_users(connection, users, report, utcnow())
        adopt_roles(connection, get("roles"), get("user_roles"), people, report)
        adopt_sign_ins(connection, get("sessions"), get("refresh_tokens"), people, report)
        rooms, messages = get("chat_rooms"), get("messages")
        places = adopt_places(connection, rooms, get("room_memberships"), messages, people, report)
        adopt_messages(connection, messages, people, places, report)
    for table in Base.metadata.tables:
        report.after[table] = _count(connection, table)
    for table, source in sources.items():
        if table not in TABLES:
            report.note(table, "not adopted: this table is not imported", report.before[table])
        elif users is None:
            report.note(table, "not adopted: there is no table of users", report.before[table])
        elif unused := source.unused():
            report.name(f"Columns of {table} that were not adopted: {', '.join(unused)}.")
    _restart_all(connection, sources)


def _count(connection: Connection, table: str) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0)


def _restart_all(connection: Connection, sources: dict[str, Source]) -> None:
    """Let new ids begin above every legacy id, also above those of rows that were not adopted, so that no id is used twice."""
    for table in TABLES:
        restart_ids(connection, table, sources[table].highest_id() if table in sources else 0)


@contextmanager
def _forgiving_text(connection: Connection) -> Iterator[None]:
    """Decode text of SQLite, which may be invalid UTF-8. Invalid bytes become U+FFFD."""
    driver: Any = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    former = driver.text_factory
    driver.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        yield
    finally:
        driver.text_factory = former


def _check_references(connection: Connection) -> None:
    """Check foreign keys before the commit: SQLite does not check them during a migration."""
    if connection.dialect.name != "sqlite":
        return
    for table in Base.metadata.tables:
        broken = connection.exec_driver_sql(f"PRAGMA foreign_key_check({table})").first()
        if broken is not None:
            raise RuntimeError(f"the adoption would leave a row of {table} with a broken reference: {tuple(broken)}")
