"""The search index. It is written in the transaction that writes the messages, so that it always agrees with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType

from sqlalchemy import Connection

from backend.search import postgresql, sqlite, sqlite_find
from backend.search.documents import Candidates, Document, Scope
from backend.search.query import Query


def index_messages(connection: Connection, documents: Sequence[Document]) -> None:
    """Index the messages of *documents*: new ones, and those whose content or attachments changed. Does not commit."""
    _of(connection).index(connection, documents)


def remove_from_index(connection: Connection, message_ids: Sequence[int]) -> None:
    """Remove messages from the index, in the transaction that deletes them or turns them into tombstones. Does not commit."""
    _of(connection).remove(connection, message_ids)


def find_messages(connection: Connection, query: Query, scope: Scope, most: int) -> Iterator[Candidates]:
    """Yield batches of messages, newest first: all those in *scope* that match *query*, and possibly others.

    The caller checks whether each message is in the scope. It compares the texts if `has_terms` or `query.is_exact` is False.
    *most* is the number of messages that the caller wants.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.find(connection, query, scope, most)
    return sqlite_find.find(connection, query, scope)


def index_missing(connection: Connection) -> Iterator[int]:
    """Index the messages that are missing from the index, in batches. Yields the last id of each batch; the caller commits.

    On SQLite the messages after the last complete block are not indexed.
    """
    yield from _of(connection).index_missing(connection)


def index_recent(connection: Connection) -> Iterator[int]:
    """Like `index_missing`, for recent messages: a release without the index may have written them during an upgrade."""
    yield from _of(connection).index_recent(connection)


def reindex(connection: Connection) -> Iterator[int]:
    """Index every message again, in batches. Yields the last id of each batch; the caller commits.

    Meanwhile all messages can be found, written, edited and deleted.
    """
    yield from _of(connection).reindex(connection)


def check_index(connection: Connection, after: int) -> tuple[int, list[int]] | None:
    """Compare the index with the next one or two thousand messages above the id *after*. All statements must see one snapshot.

    Returns the last id that it compared, and the ids of the messages that are indexed wrongly. Returns None at the end.
    """
    result: tuple[int, list[int]] | None = _of(connection).check(connection, after)
    return result


def _of(connection: Connection) -> ModuleType:
    return postgresql if connection.dialect.name == "postgresql" else sqlite
