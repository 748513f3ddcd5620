"""Which revision a database is at, and which one the code wants."""

from __future__ import annotations

from functools import cache

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from backend.settings import MIGRATIONS


def current_revision(connection: Connection) -> str | None:
    """The revision that the database behind *connection* says it is at; None where it names none."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str:
    """The revision that this code serves."""
    return str(_script().get_current_head())


@cache
def known_revisions() -> frozenset[str]:
    """Every revision that this code knows how to bring to head."""
    return frozenset(script.revision for script in _script().walk_revisions())


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory(MIGRATIONS)
