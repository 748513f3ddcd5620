"""The revision of a database, the revision that the code needs, and which code may serve a database."""

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
"""Code of the revision `served_by` may serve a database at `revision`. Each upgrade replaces the rows."""


def current_revisions(connection: Connection) -> tuple[str, ...]:
    """The revisions that the database names. That is one; none if it is new; several if something is wrong."""
    return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))


def current_revision(connection: Connection) -> str | None:
    """`current_revisions` as one string. None if there are none."""
    return ", ".join(current_revisions(connection)) or None


def may_serve(connection: Connection, current: tuple[str, ...]) -> frozenset[str]:
    """The revisions of older code that may serve the database at *current*, though it does not know that revision."""
    if not sa.inspect(connection).has_table(compat.name):
        return frozenset()
    return frozenset(connection.scalars(sa.select(compat.c.served_by).where(compat.c.revision.in_(current))))


def head_revisions() -> tuple[str, ...]:
    """The heads of the migrations in this code. There should be exactly one."""
    return tuple(sorted(script().get_heads()))


@cache
def head_revision() -> str:
    """The revision that this code needs."""
    return ", ".join(head_revisions())


@cache
def known_revisions() -> frozenset[str]:
    """Every revision that this code can upgrade to head."""
    return frozenset(each.revision for each in script().walk_revisions())


def pending(current: tuple[str, ...]) -> list[Script]:
    """The migrations from *current* to head, in order."""
    done = {r.revision for name in current for r in script().iterate_revisions(name, "base")}
    return [r for r in reversed(list(script().walk_revisions())) if r.revision not in done]


@cache
def known_tables() -> frozenset[str]:
    """Every table that a migration creates."""
    made = re.compile(r"op\.create_table\(\s*[\"'](\w+)[\"']")
    files = Path(MIGRATIONS, "versions").glob("*.py")
    return frozenset(name for file in files for name in made.findall(file.read_text()))


@cache
def script() -> ScriptDirectory:
    """Alembic's view of the folder of migrations."""
    return ScriptDirectory(MIGRATIONS)
