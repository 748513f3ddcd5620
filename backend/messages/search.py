"""Searching messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from backend.conversations.references import resolve_conversation
from backend.messages.access import authorize, visible_conversation_ids
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import messages_json
from backend.models import Message, User
from backend.models.base import db
from backend.pagination import Page, PageRequest
from backend.search.documents import Scope, filenames_of
from backend.search.index import find_messages, index_recent
from backend.search.index import reindex as reindex_messages
from backend.search.matching import highlights, matches
from backend.search.query import Query, parse_query
from backend.search.version import record_version

_m = Message.__table__.c

_AT_ONCE = 200
"""How many messages are read at a time if some of them may not match."""


def search_messages(
    user: User,
    page_request: PageRequest,
    *,
    q: str,
    conversation_id: str | None = None,
    sender_id: int | None = None,
    before: datetime | None = None,
    after: datetime | None = None,
    has: str | None = None,
) -> Page[dict[str, Any]]:
    """Return the messages that match *q* and that *user* may see, newest first, each with its `highlights`.

    *before* and *after* limit the time of creation. *has* may be "attachment". Raises NotFound and NotAMember for a
    conversation that *user* may not read.
    """
    query = parse_query(q)
    scope = Scope(_readable(user, conversation_id), sender_id, before, after, has == "attachment")
    if not query.clauses or not scope.conversation_ids:
        return Page([])
    wanted = page_request.skip + page_request.limit + 1
    rows: list[Row[Any]] = []
    for found in _found(query, scope, wanted):
        rows += found
        if len(rows) >= wanted:
            break
    page = Page.from_rows(rows[page_request.skip : wanted], page_request)
    messages = messages_json(page.items, user.id, db.session)
    return Page([{**message, "highlights": highlights(query, message["content"])} for message in messages], page.next)


def index_unindexed() -> None:
    """Index recent messages that are missing from the index: an earlier release may have written them. Safe to repeat."""
    with db.engine.connect() as connection:
        for _ in index_recent(connection):
            connection.commit()


def reindex() -> Iterator[tuple[int, int]]:
    """Index every message again. Yields the id of the last indexed message and of the last message after each batch.

    Records the tokenizer of the index at the end. Safe to repeat.
    """
    with db.engine.connect() as connection:
        last_id = connection.scalar(select(func.max(_m.id))) or 0
        for message_id in reindex_messages(connection):
            connection.commit()
            yield min(message_id, last_id), last_id
        record_version(connection)
        connection.commit()


def _readable(user: User, conversation_id: str | None) -> frozenset[str]:
    if conversation_id is None:
        return frozenset(db.session.scalars(visible_conversation_ids(user.id)))
    place = resolve_conversation(user.id, conversation_id, None, None)
    authorize(user, place)
    return frozenset([place.conversation_id])


def _found(query: Query, scope: Scope, wanted: int) -> Iterator[list[Row[Any]]]:
    """Yield the rows (`MESSAGE_COLUMNS`) of the messages in *scope* that match *query*, in batches, newest first."""
    for ids, has_terms in find_messages(db.session.connection(), query, scope, wanted):
        size = max(min(wanted, len(ids)), _AT_ONCE)
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            if not has_terms or not query.is_exact:
                some = _matching(query, scope, some)
            yield _rows(scope, some, *MESSAGE_COLUMNS)


def _rows(scope: Scope, ids: Sequence[int], *columns: Any) -> list[Row[Any]]:
    """Return *columns* of the messages with *ids* that are in *scope*, newest first."""
    statement = select(*columns).where(_m.id.in_(ids), _m.deleted_at.is_(None), *scope.conditions())
    rows = db.session.execute(statement.order_by(_m.id.desc()))
    return [row for row in rows if row.conversation_id in scope.conversation_ids]


def _matching(query: Query, scope: Scope, ids: Sequence[int]) -> list[int]:
    """Return the ids of the messages with *ids* that are in *scope* and whose texts match *query*."""
    rows = _rows(scope, ids, _m.id, _m.conversation_id, _m.content)
    names = filenames_of(db.session, _m.id.in_([row.id for row in rows]))
    return [row.id for row in rows if matches(query, [row.content, *names.get(row.id, ())])]
