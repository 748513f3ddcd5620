"""Which revision a database is at, which one the code wants, and which code a database may be served by."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from backend.settings import MIGRATIONS

compat = sa.Table(
    "schema_compat",
    sa.MetaData(),
    sa.Column("revision", sa.String(32), primary_key=True),
    sa.Column("served_by", sa.String(32), primary_key=True),
)
"""Which code may serve a database at `revision`: that of the revision `served_by`. Each upgrade writes it anew."""


def current_revisions(connection: Connection) -> tuple[str, ...]:
    """The revisions that the database behind *connection* says it is at: one, none where it is new, more where it is torn."""
    return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))


def current_revision(connection: Connection) -> str | None:
    """Like `current_revisions`, as one word; None where it names none."""
    return ", ".join(current_revisions(connection)) or None


def may_serve(connection: Connection, current: tuple[str, ...]) -> frozenset[str]:
    """The revisions of code that may serve the database, which is at *current*, though they do not know that revision."""
    if not sa.inspect(connection).has_table(compat.name):
        return frozenset()
    return frozenset(connection.scalars(sa.select(compat.c.served_by).where(compat.c.revision.in_(current))))


def head_revisions() -> tuple[str, ...]:
    """The heads of this code's migrations. There must be one."""
    return tuple(sorted(script().get_heads()))


@cache
def head_revision() -> str:
    """The revision that this code serves."""
    return ", ".join(head_revisions())


@cache
def known_revisions() -> frozenset[str]:
    """Every revision that this code knows how to bring to head."""
    return frozenset(each.revision for each in script().walk_revisions())


def pending(current: tuple[str, ...]) -> list[Script]:
    """The migrations that lie between *current* and head, the next one first."""
    done = {r.revision for name in current for r in script().iterate_revisions(name, "base")}
    return [r for r in reversed(list(script().walk_revisions())) if r.revision not in done]


@cache
def known_tables() -> frozenset[str]:
    """Every table that a migration ever made."""
    made = re.compile(r"op\.create_table\(\s*[\"'](\w+)[\"']")
    files = Path(MIGRATIONS, "versions").glob("*.py")
    return frozenset(name for file in files for name in made.findall(file.read_text()))


@cache
def script() -> ScriptDirectory:
    """The folder of migrations, as Alembic reads it."""
    return ScriptDirectory(MIGRATIONS)
