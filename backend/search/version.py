"""Which tokenizer built the search index. An index of another tokenizer silently misses messages."""

from __future__ import annotations

import unicodedata

from sqlalchemy import Connection, inspect, select, text

from backend.models.search import SearchVersion
from backend.search.tokens import TOKENIZER_VERSION

CURRENT = f"{TOKENIZER_VERSION} with Unicode {unicodedata.unidata_version}"
"""The tokenizer of this process. Python's version of Unicode belongs to it, because it decides what is a letter."""

REMEDY = "flask messages reindex"
"""The command that builds the index with the tokenizer of this process."""

_RECORD = text(
    "INSERT INTO search_version (id, tokenizer) VALUES (1, :tokenizer) "
    "ON CONFLICT (id) DO UPDATE SET tokenizer = excluded.tokenizer"
)


def record_version(connection: Connection) -> None:
    """Record that the tokenizer of this process built the whole index. Does not commit."""
    connection.execute(_RECORD, {"tokenizer": CURRENT})


def find_version_fault(connection: Connection) -> str | None:
    """A sentence about an index that another tokenizer built, or None. `REMEDY` repairs it.

    A database without the table gives None: its revision is the fault.
    """
    if not inspect(connection).has_table(SearchVersion.__tablename__):
        return None
    built_by = connection.scalar(select(SearchVersion.tokenizer))
    if built_by == CURRENT:
        return None
    builder = "an unknown tokenizer" if built_by is None else f"tokenizer {built_by}"
    return f"The search index was built by {builder}, and this code has tokenizer {CURRENT}."
