"""Finding messages with the index on SQLite: it combines the bits of the terms, newest block first."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

import orjson
from sqlalchemy import ColumnElement, Connection, Select, select, text

from backend.models import Attachment, Message
from backend.search.documents import Candidates, Scope, read_documents
from backend.search.matching import matches
from backend.search.query import Query
from backend.search.sqlite import BLOCK, TIMES, UNINDEXED, last_block, microseconds, offsets, unpack

_GROUPS = (4, 16, 64, 256)
"""How many blocks are read together. Common terms are found in the first group. The last size is used for the rest."""

_CONVERSATIONS = 16
"""Up to this many conversations are looked up singly. For more, all conversations of a block are read."""

_FEW = 500
"""Up to this many messages are returned without further filters. The caller reads them anyway, at a lower cost."""

_BEHIND = "\U0010ffff"
"""The greatest character: an upper bound for the characters after a prefix."""

_m, _a = Message.__table__.c, Attachment.__table__.c

_BLOCKS = text("SELECT block, members FROM search_blocks WHERE term = '' ORDER BY block DESC")
_OF_TERM = text(
    "SELECT block, members, term FROM search_blocks "
    "WHERE block IN (SELECT value FROM json_each(:blocks)) AND term = :first"
)
_OF_RANGE = text(
    "SELECT block, members, term FROM search_blocks "
    "WHERE block IN (SELECT value FROM json_each(:blocks)) AND term >= :first AND term < :last"
)

Found = dict[int, int]
"""Messages that may match: for each block, the bits of its messages."""


def find(connection: Connection, query: Query, scope: Scope) -> Iterator[Candidates]:
    """Yield messages that may match *query* in *scope*, newest first. All messages that do match are among them."""
    yield Candidates(_find_behind(connection, query, scope), has_terms=True)
    blocks = {block: unpack(members) for block, members in connection.execute(_BLOCKS)}
    if scope.before or scope.after:
        blocks = _within_times(connection, blocks, scope)
    for group in _groups(list(blocks.items())):
        found, has_terms = _find_in(connection, dict(group), query, scope)
        ids = [block * BLOCK + offset for block, bits in found.items() for offset in reversed(offsets(bits))]
        if ids:
            yield Candidates(ids, has_terms)


def _groups(blocks: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    start, sizes = 0, iter(_GROUPS)
    size = next(sizes)
    while start < len(blocks):
        yield blocks[start : start + size]
        start += size
        size = next(sizes, size)


def _find_behind(connection: Connection, query: Query, scope: Scope) -> list[int]:
    """Search the texts of the messages after the last block."""
    first_id = (last_block(connection) + 1) * BLOCK
    documents = read_documents(connection, _m.id >= first_id, *scope.conditions())
    return [
        document.message_id
        for document in reversed(documents)
        if document.conversation_id in scope.conversation_ids and matches(query, document.texts)
    ]


def _find_in(connection: Connection, found: Found, query: Query, scope: Scope) -> tuple[Found, bool]:
    """Return the messages of *found* that may match, and whether all of them have the terms of *query*."""
    unindexed = list(_rows(connection, found, UNINDEXED))
    for term in sorted(query.terms, key=len, reverse=True):  # long words are rare, and leave few blocks to read
        found = _narrow(found, chain(_rows(connection, found, term), unindexed))
    has_terms = query.prefix is None
    if query.prefix is not None and (not query.terms or _is_many(found)):
        found = _narrow(found, chain(_rows(connection, found, query.prefix, query.prefix + _BEHIND), unindexed))
        has_terms = True
    if scope.sender_id is not None and _is_many(found):
        found = _narrow_to_ids(connection, found, select(_m.id).where(_m.sender_id == scope.sender_id), _m.id)
    if scope.has_attachment and _is_many(found):
        found = _narrow_to_ids(connection, found, select(_a.message_id), _a.message_id)
    if _is_many(found):
        found = _narrow(found, _rows_of_conversations(connection, found, scope))
    return found, has_terms and not unindexed


def _is_many(found: Found) -> bool:
    return sum(bits.bit_count() for bits in found.values()) > _FEW


def _rows(
    connection: Connection, found: Found, first: str, last: str | None = None
) -> Iterator[tuple[int, bytes, str]]:
    """Return the rows of the blocks of *found* for the term *first*, or for the terms from *first* up to *last*."""
    values = {"blocks": orjson.dumps(list(found)).decode(), "first": first, "last": last}
    statement = _OF_TERM if last is None else _OF_RANGE
    return map(tuple, connection.execute(statement, values))


def _rows_of_conversations(connection: Connection, found: Found, scope: Scope) -> Iterator[tuple[int, bytes, str]]:
    if len(scope.conversation_ids) <= _CONVERSATIONS:
        for name in scope.conversation_ids:
            yield from _rows(connection, found, f"@{name}")
        return
    for row in _rows(connection, found, "@", "@" + _BEHIND):
        if row[2][1:] in scope.conversation_ids:
            yield row


def _narrow(found: Found, rows: Iterable[tuple[int, bytes, str]]) -> Found:
    union: dict[int, int] = defaultdict(int)
    for block, members, _ in rows:
        union[block] |= unpack(members)
    return _intersect(found, union)


def _narrow_to_ids(connection: Connection, found: Found, statement: Select[int], id_: ColumnElement[int]) -> Found:
    union: dict[int, int] = defaultdict(int)
    if found:
        between = id_.between(min(found) * BLOCK, max(found) * BLOCK + BLOCK - 1)
        for message_id in connection.scalars(statement.where(between)):
            union[message_id // BLOCK] |= 1 << (message_id % BLOCK)
    return _intersect(found, union)


def _intersect(found: Found, union: Found) -> Found:
    return {block: both for block, bits in found.items() if (both := bits & union.get(block, 0))}


def _within_times(connection: Connection, found: Found, scope: Scope) -> Found:
    """Return *found* without the blocks whose messages are all too old or too new."""
    kept = set()
    for block, times, _ in _rows(connection, found, TIMES):
        oldest, newest = struct.unpack("<2q", times)
        is_too_new = scope.before is not None and oldest >= microseconds(scope.before)
        is_too_old = scope.after is not None and newest <= microseconds(scope.after)
        if not is_too_new and not is_too_old:
            kept.add(block)
    return {block: bits for block, bits in found.items() if block in kept}
