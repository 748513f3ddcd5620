"""Whether a database is ours, new, or one to adopt."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from click import ClickException
from sqlalchemy import Connection

from backend.models.base import Base
from backend.schema.revisions import compat, known_revisions

VERSION_TABLE = "alembic_version"


@dataclass(frozen=True)
class Legacy:
    """A database to adopt: which tables are in the way of ours, and what its `alembic_version` names."""

    tables: tuple[str, ...]
    revisions: tuple[str, ...]
    has_version_table: bool


def find_legacy(connection: Connection) -> Legacy | None:
    """What there is to adopt; None for a new database and for one of ours.

    Tells by the tables and columns that are there, never by a revision alone. Raises ClickException for a database that Confab
    made and whose revision is newer than this code, or gone.
    """
    inspector = sa.inspect(connection)
    existing = set(inspector.get_table_names())
    revisions = _revisions(connection) if VERSION_TABLE in existing else ()
    tables = tuple(sorted(existing & set(Base.metadata.tables)))
    is_known = set(revisions) <= known_revisions()
    if not tables and is_known:
        return None
    if is_ours(connection, existing):
        if revisions and is_known:
            return None
        raise ClickException(_not_to_adopt(revisions))
    return Legacy(tables, revisions, VERSION_TABLE in existing)


def is_ours(connection: Connection, existing: set[str]) -> bool:
    """Whether Confab made these tables, or what is left of them: nobody else counts modseqs."""
    inspector = sa.inspect(connection)
    return compat.name in existing or any(
        column in {found["name"] for found in inspector.get_columns(table)}
        for table, column in (("conversations", "last_modseq"), ("messages", "modseq"), ("room_memberships", "modseq"))
        if table in existing
    )


def _revisions(connection: Connection) -> tuple[str, ...]:
    if "version_num" not in {c["name"] for c in sa.inspect(connection).get_columns(VERSION_TABLE)}:
        return ("unreadable",)
    version = sa.column("version_num", sa.String)
    return tuple(sorted(connection.scalars(sa.select(version).select_from(sa.table(VERSION_TABLE)))))


def _not_to_adopt(revisions: tuple[str, ...]) -> str:
    if revisions:
        return (
            f"The database is at revision {', '.join(revisions)}, made by a newer Confab than this one. "
            "Upgrade the code; nothing was changed."
        )
    return (
        "The tables are Confab's own, but the database names no revision; nothing was changed. "
        "Restore a backup, or, where flask doctor finds no drift, run: flask db stamp head"
    )
