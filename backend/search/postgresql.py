"""The index on PostgreSQL: a tsvector of terms for each message, and a GIN index over them.

The tsvectors have no positions: PostgreSQL stores at most 255 for a lexeme, and would lose some of a long message. For phrases
and long words, which terms alone do not decide, the caller compares the texts.

The terms of a message include its conversation (`@room:7`), so that a search in few conversations reads few other messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    any_,
    bindparam,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from backend.models import Message, MessageSearch
from backend.search.documents import Candidates, Document, Scope, read_documents
from backend.search.query import Query
from backend.search.times import id_range
from backend.search.tokens import index_terms

_s = MessageSearch.__table__
_m = Message.__table__.c

INSERT = (
    "INSERT INTO message_search (message_id, conversation_id, terms) "
    "SELECT message_id, r.conversation_id, array_to_tsvector(terms) FROM json_to_recordset({}) AS r "
    "(message_id bigint, conversation_id varchar, terms text[])"
)
"""Inserts the result of `records`."""

# A message that was deleted after it was read is skipped. FOR SHARE keeps the others until the transaction ends.
_UPSERT = text(
    INSERT.format("CAST(:records AS json)")
    + " JOIN messages AS m ON m.id = message_id AND m.deleted_at IS NULL FOR SHARE OF m"
    + " ON CONFLICT (message_id) DO UPDATE SET conversation_id = excluded.conversation_id, terms = excluded.terms"
)
RECENT = 40_000
"""How many of the newest messages are scanned before the index is used. The scan takes a few milliseconds.

It soon finds enough messages for common terms. For other terms the index has few entries: among 1,000,000 messages, about 25
times the wanted number.
"""
SAMPLE = 1_000
COMMON = 20
"""If this many messages of the sample match a prefix, the prefix is not looked up in the index together with other terms."""
_CONVERSATIONS = 16
"""Up to this many conversations are looked up in the index. For more, the conversation of each found message is compared."""
_BATCH = 2_000
_RECENTLY = 200_000
"""A number of ids: more than an earlier release allocates while both run during an upgrade."""

_FLOOR = text(
    "SELECT message_id FROM message_search WHERE message_id < :before ORDER BY message_id DESC OFFSET :recent LIMIT 1"
)
# FOR SHARE: these messages cannot be edited or deleted until they are indexed.
_MISSING = text(
    "SELECT m.id FROM messages AS m WHERE m.id > :after AND m.deleted_at IS NULL "
    "AND NOT EXISTS (SELECT FROM message_search AS s WHERE s.message_id = m.id) ORDER BY m.id LIMIT :most FOR SHARE OF m"
)
_NEXT = text("SELECT id FROM messages WHERE id > :after ORDER BY id LIMIT :most FOR SHARE")


def records(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """Return *documents* as records for `INSERT`, which takes them as JSON."""
    return [
        {
            "message_id": document.message_id,
            "conversation_id": document.conversation_id,
            "terms": [f"@{document.conversation_id}", *index_terms(document.texts)],
        }
        for document in documents
    ]


def index(connection: Connection, documents: Sequence[Document]) -> None:
    """Index *documents*, and replace the earlier entries of their messages."""
    for start in range(0, len(documents), _BATCH):
        rows = records(documents[start : start + _BATCH])
        connection.execute(_UPSERT, {"records": orjson.dumps(rows).decode()})


def remove(connection: Connection, message_ids: Sequence[int]) -> None:
    """Remove messages from the index."""
    connection.execute(text("DELETE FROM message_search WHERE message_id = ANY (:ids)"), {"ids": list(message_ids)})


def index_missing(connection: Connection, after: int = 0) -> Iterator[int]:
    """Index the messages with ids above *after* that are not indexed, in batches. Yields the last id of each batch."""
    while ids := connection.scalars(_MISSING, {"after": after, "most": _BATCH}).all():
        index(connection, read_documents(connection, Message.id.in_(ids)))
        after = ids[-1]
        yield after


def index_recent(connection: Connection) -> Iterator[int]:
    """Like `index_missing`, for the newest messages."""
    last = connection.scalar(select(func.max(_m.id))) or 0
    return index_missing(connection, last - _RECENTLY)


def reindex(connection: Connection) -> Iterator[int]:
    """Index every message again, in batches. Yields the last id of each batch."""
    after = 0
    while ids := connection.scalars(_NEXT, {"after": after, "most": _BATCH}).all():
        documents = read_documents(connection, Message.id.in_(ids))
        remove(connection, sorted(set(ids) - {document.message_id for document in documents}))
        index(connection, documents)
        after = ids[-1]
        yield after


def check(connection: Connection, after: int) -> tuple[int, list[int]] | None:
    """Compare the index of the next messages above the id *after* with them. Returns the last id, and those indexed wrongly.

    Returns None after the last message.
    """
    ids = connection.scalars(select(_m.id).where(_m.id > after).order_by(_m.id).limit(_BATCH)).all()
    if not ids:
        return None
    documents = read_documents(connection, _m.id.between(ids[0], ids[-1]))
    expected = {each["message_id"]: (each["conversation_id"], set(each["terms"])) for each in records(documents)}
    terms = func.tsvector_to_array(_s.c.terms, type_=ARRAY(String))
    rows = connection.execute(
        select(_s.c.message_id, _s.c.conversation_id, terms).where(_s.c.message_id.between(ids[0], ids[-1]))
    )
    stored = {message_id: (conversation_id, set(found)) for message_id, conversation_id, found in rows}
    wrong = [id_ for id_ in sorted(expected.keys() | stored.keys()) if expected.get(id_) != stored.get(id_)]
    return ids[-1], wrong


def find(connection: Connection, query: Query, scope: Scope, most: int) -> Iterator[Candidates]:
    """Yield the messages in *scope* that have the terms of *query*, in batches of *most* or more, newest first."""
    ids = id_range(connection, scope)
    search = _Search(connection, query, scope, ids.start)
    floor = connection.scalar(_FLOOR, {"before": ids.stop, "recent": RECENT}) or 0
    yield from search.batches(search.recent(floor), ids.stop, max(most, 200))
    if floor >= ids.start:
        yield from search.batches(search.older(), floor + 1, max(most, 1_000))


class _Search:
    def __init__(self, connection: Connection, query: Query, scope: Scope, first_id: int):
        self.connection = connection
        self.first_id = first_id
        self.terms = [_quote(term) for term in query.terms]
        self.prefixes = [f"{_quote(query.prefix)}:*"] if query.prefix is not None else []
        self.conversations = sorted(scope.conversation_ids)
        self.conditions = scope.conditions()

    def batches(self, statement: Select[int], before: int, most: int) -> Iterator[Candidates]:
        """Yield the results of *statement* with ids below *before*, newest first."""
        while True:
            ids = list(self.connection.scalars(statement.limit(most), {"before": before}))
            if ids:
                yield Candidates(ids, has_terms=True)
            if len(ids) < most:
                return
            before = ids[-1]

    def recent(self, floor: int) -> Select[int]:
        """Return a query that scans the messages above *floor*, newest first."""
        matches = _matches(" & ".join([*self.terms, *self.prefixes]))
        return self._select(
            _s.c.message_id, _s.c.conversation_id, _s.c.message_id > max(floor, self.first_id - 1), matches
        )

    def older(self) -> Select[int]:
        """Return a query that uses the index for all terms, except for a common prefix."""
        filtered = [prefix for prefix in self.prefixes if self.terms and self._is_common(prefix)]
        lookup = [*self.terms, *(prefix for prefix in self.prefixes if prefix not in filtered)]
        if len(self.conversations) <= _CONVERSATIONS:
            lookup.append(f"({' | '.join(_quote(f'@{name}') for name in self.conversations)})")
        # Without MATERIALIZED, PostgreSQL might scan all messages instead, newest first.
        found = (
            select(_s.c.message_id, _s.c.conversation_id)
            .where(_s.c.terms.op("@@")(cast(" & ".join(lookup), TSQUERY)), *map(_matches, filtered))
            .cte("found")
            .prefix_with("MATERIALIZED")
        )
        return self._select(found.c.message_id, found.c.conversation_id, found.c.message_id >= self.first_id)

    def _select(
        self, message_id: ColumnElement[int], conversation_id: ColumnElement[str], *where: ColumnElement[bool]
    ) -> Select[int]:
        statement = select(message_id).where(
            message_id < bindparam("before", type_=BigInteger),
            conversation_id == any_(cast(self.conversations, ARRAY(String))),
            *where,
        )
        if self.conditions:
            # A scalar subquery: PostgreSQL might turn EXISTS into a join that reads, for example, all messages of a sender.
            statement = statement.where(select(and_(*self.conditions)).where(_m.id == message_id).scalar_subquery())
        return statement.order_by(message_id.desc())

    def _is_common(self, prefix: str) -> bool:
        sample = select(_s.c.terms).order_by(_s.c.message_id.desc()).limit(SAMPLE).subquery()
        matches = func.ts_match_vq(sample.c.terms, cast(prefix, TSQUERY))
        return (self.connection.scalar(select(func.count()).select_from(sample).where(matches)) or 0) >= COMMON


def _matches(query: str) -> ColumnElement[bool]:
    """Return the condition of the operator @@ as a function call, which never uses an index."""
    return func.ts_match_vq(_s.c.terms, cast(query, TSQUERY))


def _quote(term: str) -> str:
    """Return *term* as a lexeme of a tsquery."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"
