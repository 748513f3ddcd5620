"""The index of search: written in the transaction that writes the messages, so that it never says more or less than they do."""

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
    """Remove messages from the index, in the transaction that deletes them or makes tombstones of them. Does not commit."""
    _of(connection).remove(connection, message_ids)


def find_messages(connection: Connection, query: Query, scope: Scope, most: int) -> Iterator[Candidates]:
    """Messages in batches, the newest first: all those in *scope* that match *query*, and maybe others.

    The caller looks whether each is in the scope, and compares the texts where the batch may lack terms or where the terms of the
    query do not say all. *most* is how many are wanted.
    """
    if connection.dialect.name == "postgresql":
        return postgresql.find(connection, query, scope, most)
    return sqlite_find.find(connection, query, scope)


def index_missing(connection: Connection) -> Iterator[int]:
    """Index the messages that are not in the index, a few thousand at a time. Yields the last one's id, for the caller to commit.

    On SQLite the messages behind the last block stay as they are.
    """
    yield from _of(connection).index_missing(connection)


def index_recent(connection: Connection) -> Iterator[int]:
    """Like `index_missing`, among the newest messages: for those that a release without the index wrote beside this one."""
    yield from _of(connection).index_recent(connection)


def reindex(connection: Connection) -> Iterator[int]:
    """Index every message anew, a few thousand at a time. Yields the last one's id, for the caller to commit.

    Meanwhile all messages can be found, written, edited and deleted.
    """
    yield from _of(connection).reindex(connection)


def _of(connection: Connection) -> ModuleType:
    return postgresql if connection.dialect.name == "postgresql" else sqlite
