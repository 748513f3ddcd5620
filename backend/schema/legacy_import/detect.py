"""Tells whether a database is Confab's, empty, or a legacy database to adopt."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from click import ClickException
from sqlalchemy import Connection

from backend.models.base import Base
from backend.schema.legacy_import.mapping import TableMap, check_map
from backend.schema.revisions import compat, known_revisions

VERSION_TABLE = "alembic_version"


@dataclass(frozen=True)
class Legacy:
    """A database to adopt: its table for each of Confab's, other tables with names that Confab needs, and its revisions."""

    taken: dict[str, str]
    displaced: tuple[str, ...]
    revisions: tuple[str, ...]
    has_version_table: bool
    mapping: TableMap


def find_legacy(connection: Connection, mapping: TableMap) -> Legacy | None:
    """The legacy database to adopt. None if the database is Confab's, or has no table to adopt.

    It looks at tables and columns, never at a revision alone. Raises ClickException if Confab made the database and its revision
    is unknown to this code or missing, or if *mapping* does not fit the database.
    """
    inspector = sa.inspect(connection)
    existing = set(inspector.get_table_names())
    revisions = _revisions(connection) if VERSION_TABLE in existing else ()
    own = existing & set(Base.metadata.tables)
    is_known = set(revisions) <= known_revisions()
    if not own and not mapping and is_known:
        return None
    if is_ours(connection, existing):
        if revisions and is_known:
            return None
        raise ClickException(_not_to_adopt(revisions))
    mapping = check_map(connection, mapping)
    taken = mapping.taken(existing, own)
    return Legacy(taken, tuple(sorted(own - set(taken.values()))), revisions, VERSION_TABLE in existing, mapping)


def is_ours(connection: Connection, existing: set[str]) -> bool:
    """Whether Confab made these tables. No other program has modseqs."""
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
            f"The database is at revision {', '.join(revisions)}, made by a newer Confab. "
            "Upgrade the code. Nothing was changed."
        )
    return (
        "The tables are Confab's, but the database names no revision. Nothing was changed. "
        "Restore a backup. If flask doctor finds no drift, run: flask db stamp head"
    )
