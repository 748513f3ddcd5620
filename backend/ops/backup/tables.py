"""The tables of a database: how many rows each has, and whether there is anything in them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from backend.models import SearchVersion
from backend.models.base import Base
from backend.schema.move import find_rows
from backend.schema.revisions import compat, known_tables

VERSIONS = {"alembic_version", compat.name, SearchVersion.__tablename__}
"""Tables that an upgrade fills."""


def count_rows(connection: Connection) -> dict[str, int]:
    """The number of rows of each table, without those that an upgrade fills, and without the index of search."""
    derived = {table.name for table in Base.metadata.sorted_tables if table.info.get("is_derived")}
    names = set(sa.inspect(connection).get_table_names()) - VERSIONS - derived
    return {
        name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0 for name in sorted(names)
    }


def find_content(connection: Connection) -> str | None:
    """A table with rows, or a table that is not Confab's. None if the database is empty."""
    strange = set(sa.inspect(connection).get_table_names()) - known_tables() - VERSIONS
    return min(strange) if strange else find_rows(connection)
