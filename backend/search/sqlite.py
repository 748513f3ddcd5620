"""The index on SQLite. For each block of 1,024 ids and each term, it stores which messages of the block have the term.

A block is indexed when the first message after it is sent, so that most sends do not write to the index. The messages after the
last block, about 1,000 at most, are not indexed: a search reads their texts. FTS5 is not used, because before SQLite 3.42
deleted content stays in its file until its segments are merged.
"""

from __future__ import annotations

import struct
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import TypeVar

from sqlalchemy import Connection, func, select, text

from backend.models import Message
from backend.search.documents import Document, read_documents
from backend.search.tokens import index_terms

T = TypeVar("T")

BLOCK = 1_024
"""Ids in one block."""

_ALL = ""
"""The term that every message has. A block with this term is indexed."""
TIMES = "@@"
"""The row of this term contains the times of the oldest and newest message of a block, in place of members."""
UNINDEXED = "@-"
"""The messages of a block that have no other terms than this and their conversation, because the block has `MAX_TERMS`. A search
reads their texts."""
MAX_TERMS = 100_000
"""How many terms a block may have before a message is left out. A thousand long messages of random Chinese characters have four
million, which would block the server for half a minute."""
_FEW = 64
"""Fewer members than this are stored as a list, in two bytes each; otherwise they are stored as a bit map."""
_MAP_BYTES = BLOCK // 8
_OFFSET_BYTES = 2
_AT_ONCE = 4
"""The maximum of blocks that one send indexes. There are several if a release without the index has written them."""

_m = Message.__table__.c
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_BLOCK = text("SELECT max(block) FROM search_blocks WHERE term = ''")
_INDEXED = text("SELECT block FROM search_blocks WHERE term = ''")
_NEXT_BLOCK = text("SELECT min(block) FROM search_blocks WHERE block >= :block")
_ROWS = text("SELECT term, members FROM search_blocks WHERE block = :block")
_PUT = text(
    "INSERT INTO search_blocks (block, term, members) VALUES (:block, :term, :members) "
    "ON CONFLICT (block, term) DO UPDATE SET members = excluded.members"
)
_DROP = text("DELETE FROM search_blocks WHERE block = :block AND term = :term")


def pack(bits: int) -> bytes:
    """Return the stored form of the members of a term in a block, which are given as the bits of a number."""
    if bits.bit_count() >= _FEW:
        return bits.to_bytes(_MAP_BYTES, "little")
    members = offsets(bits)
    return struct.pack(f"<{len(members)}H", *members)


def unpack(members: bytes) -> int:
    """The reverse of `pack`."""
    if len(members) == _MAP_BYTES:
        return int.from_bytes(members, "little")
    bits = 0
    for (offset,) in struct.iter_unpack("<H", members):
        bits |= 1 << offset
    return bits


def offsets(bits: int) -> list[int]:
    """Return the positions of the set bits, lowest first."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def index(connection: Connection, documents: Sequence[Document]) -> None:
    """Index the *documents* that are in indexed blocks, and replace the earlier entries of their messages."""
    remove(connection, [document.message_id for document in documents])
    last = last_block(connection)
    for block, group in _by_block(documents, lambda document: document.message_id):
        if block <= last:
            _add(connection, block, group)


def remove(connection: Connection, message_ids: Sequence[int]) -> None:
    """Remove messages from the index. SQLite overwrites the deleted bytes, because `secure_delete` is on."""
    for block, group in _by_block(message_ids, lambda message_id: message_id):
        _clear(connection, block, {message_id % BLOCK for message_id in group})


def _clear(connection: Connection, block: int, gone: set[int]) -> None:
    """Remove the members *gone* from every term of *block*. Their texts are not needed for this."""
    mask = sum(1 << offset for offset in gone)
    alone = {pack(1 << offset) for offset in gone}  # most terms have one member, which need not be unpacked
    left: dict[str, int] = {}
    for term, members in connection.execute(_ROWS, {"block": block}):
        if len(members) == _OFFSET_BYTES:
            if members in alone:
                left[term] = 0
        elif term != TIMES and (bits := unpack(members)) & mask:
            left[term] = bits & ~mask
    dropped = [{"block": block, "term": term} for term, bits in left.items() if not bits and term != _ALL]
    kept = [
        {"block": block, "term": term, "members": pack(bits)} for term, bits in left.items() if bits or term == _ALL
    ]
    if dropped:
        connection.execute(_DROP, dropped)
    if kept:
        connection.execute(_PUT, kept)


def index_missing(connection: Connection) -> Iterator[int]:
    """Index each complete block that is not indexed, oldest first. Yields the last id of each."""
    while (last := connection.scalar(select(func.max(_m.id)))) is not None:
        first = connection.scalar(select(func.min(_m.id)).where(_m.id >= (last_block(connection) + 1) * BLOCK))
        if first is None or first // BLOCK >= last // BLOCK:
            return
        _index_block(connection, first // BLOCK)
        yield first // BLOCK * BLOCK + BLOCK - 1


index_recent = index_missing
"""On SQLite the index itself determines which blocks are missing."""


def reindex(connection: Connection) -> Iterator[int]:
    """Index every block again, oldest first. Yields the last id of each."""
    for block in sorted(connection.scalars(_INDEXED)):
        connection.execute(text("DELETE FROM search_blocks WHERE block = :block"), {"block": block})
        _index_block(connection, block)
        yield block * BLOCK + BLOCK - 1
    yield from index_missing(connection)


def check(connection: Connection, after: int) -> tuple[int, list[int]] | None:
    """Compare the next block above the id *after* with its messages. Returns its last id, and the ids that are indexed wrongly.

    Returns None after the last indexed block.
    """
    end = (last_block(connection) + 1) * BLOCK
    first = connection.scalar(select(func.min(_m.id)).where(_m.id > after, _m.id < end))
    held = connection.scalar(_NEXT_BLOCK, {"block": (after + 1) // BLOCK})
    blocks = [block for block in (held, None if first is None else first // BLOCK) if block is not None]
    if not blocks:
        return None
    block = min(blocks)
    wrong = _wrong_members(connection, block)
    return (block + 1) * BLOCK - 1, [block * BLOCK + offset for offset in offsets(wrong)]


def _wrong_members(connection: Connection, block: int) -> int:
    ids = _m.id.between(block * BLOCK, (block + 1) * BLOCK - 1)
    documents = read_documents(connection, ids)
    stored: dict[str, bytes] = dict(connection.execute(_ROWS, {"block": block}).all())
    expected = _members(documents, sys.maxsize, unpack(stored.get(UNINDEXED, b"")))
    oldest, newest = connection.execute(select(func.min(_m.created_at), func.max(_m.created_at)).where(ids)).one()
    if oldest is not None:
        first, last = struct.unpack("<2q", stored.get(TIMES) or struct.pack("<2q", 1, 0))
        if microseconds(oldest) < first or microseconds(newest) > last:
            return sum(1 << document.message_id % BLOCK for document in documents)
    wrong = 0
    for term in (expected.keys() | stored.keys()) - {TIMES}:
        wrong |= expected.get(term, 0) ^ unpack(stored.get(term, b""))
    return wrong


def index_after_send(connection: Connection, message_ids: Sequence[int]) -> None:
    """Index the blocks that became complete when these messages, the newest, were sent."""
    if message_ids and (min(message_ids) - 1) // BLOCK < max(message_ids) // BLOCK:
        for _ in islice(index_missing(connection), _AT_ONCE):
            pass


def _index_block(connection: Connection, block: int) -> None:
    ids = _m.id.between(block * BLOCK, (block + 1) * BLOCK - 1)
    oldest, newest = connection.execute(select(func.min(_m.created_at), func.max(_m.created_at)).where(ids)).one()
    rows = [{"block": block, "term": _ALL, "members": pack(0)}]
    if oldest is not None:
        times = struct.pack("<2q", microseconds(oldest), microseconds(newest))
        rows.append({"block": block, "term": TIMES, "members": times})
    connection.execute(_PUT, rows)
    _add(connection, block, read_documents(connection, ids))


def _add(connection: Connection, block: int, documents: Sequence[Document]) -> None:
    if not documents:
        return
    stored = connection.execute(_ROWS, {"block": block}).all()
    found = _members(documents, MAX_TERMS - len(stored))
    for term, members in stored:
        if term in found:
            found[term] |= unpack(members)
    rows = [{"block": block, "term": term, "members": pack(bits)} for term, bits in sorted(found.items())]
    connection.execute(_PUT, rows)


def _members(documents: Iterable[Document], most: int, unindexed: int = 0) -> dict[str, int]:
    """The terms of *documents*, which are of one block, each with its members as the bits of a number.

    The members *unindexed*, and each document after *most* terms were found, get the term `UNINDEXED` in place of their words.
    """
    found: dict[str, int] = defaultdict(int)
    for document in documents:
        bit = 1 << (document.message_id % BLOCK)
        words = {UNINDEXED} if len(found) >= most or unindexed & bit else index_terms(document.texts)
        for term in (_ALL, f"@{document.conversation_id}", *words):
            found[term] |= bit
    return found


def microseconds(time: datetime) -> int:
    """Return *time* in the form that the `TIMES` row stores: microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def last_block(connection: Connection) -> int:
    """Return the last indexed block, or -1 if there is none. All blocks before it are indexed too."""
    last = connection.scalar(_LAST_BLOCK)
    return -1 if last is None else last


def _by_block(items: Iterable[T], id_of: Callable[[T], int]) -> Iterator[tuple[int, list[T]]]:
    for block, group in groupby(sorted(items, key=id_of), key=lambda item: id_of(item) // BLOCK):
        yield block, list(group)
