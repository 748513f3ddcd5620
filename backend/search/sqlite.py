"""The index on SQLite: for each block of 1,024 ids, which of its messages have a term.

A block is written once, when the first message behind it is sent. The messages behind the last block, at most some 1,000, are in
no index: a search reads their texts. So a send costs next to nothing. FTS5 would not do: before SQLite 3.42, what is deleted
from it stays in the file until its segments happen to be merged.
"""

from __future__ import annotations

import struct
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
"""The term of every message of a block. A block that has it was indexed."""
TIMES = "@@"
"""Under this term stand the times of a block's oldest and newest message, and no members."""
_FEW = 64
"""As many members are kept one by one, in two bytes each; more of them as a bit map."""
_MAP_BYTES = BLOCK // 8
_OFFSET_BYTES = 2
_AT_ONCE = 4
"""Blocks that one send indexes at most, where several wait because another release wrote them."""

_m = Message.__table__.c
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_BLOCK = text("SELECT max(block) FROM search_blocks WHERE term = ''")
_INDEXED = text("SELECT block FROM search_blocks WHERE term = ''")
_ROWS = text("SELECT term, members FROM search_blocks WHERE block = :block")
_PUT = text(
    "INSERT INTO search_blocks (block, term, members) VALUES (:block, :term, :members) "
    "ON CONFLICT (block, term) DO UPDATE SET members = excluded.members"
)
_DROP = text("DELETE FROM search_blocks WHERE block = :block AND term = :term")


def pack(bits: int) -> bytes:
    """The members of a term in a block, given as the bits of a number, as they are kept."""
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
    """Which bits are set, the lowest first."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def index(connection: Connection, documents: Sequence[Document]) -> None:
    """Index those of *documents* that belong to blocks which were indexed, whatever was indexed of their messages before."""
    remove(connection, [document.message_id for document in documents])
    last = last_block(connection)
    for block, group in _by_block(documents, lambda document: document.message_id):
        if block <= last:
            _add(connection, block, group)


def remove(connection: Connection, message_ids: Sequence[int]) -> None:
    """Remove messages from the index. SQLite overwrites what it deletes, since `secure_delete` is on."""
    for block, group in _by_block(message_ids, lambda message_id: message_id):
        _clear(connection, block, {message_id % BLOCK for message_id in group})


def _clear(connection: Connection, block: int, gone: set[int]) -> None:
    """Remove the members *gone* from every term of *block*, whatever their texts say or said."""
    mask = sum(1 << offset for offset in gone)
    alone = {pack(1 << offset) for offset in gone}  # most terms have one member: those need not be unpacked
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
    """Index each block that is complete and not indexed, the oldest first. Yields the last id of each."""
    while (last := connection.scalar(select(func.max(_m.id)))) is not None:
        first = connection.scalar(select(func.min(_m.id)).where(_m.id >= (last_block(connection) + 1) * BLOCK))
        if first is None or first // BLOCK >= last // BLOCK:
            return
        _index_block(connection, first // BLOCK)
        yield first // BLOCK * BLOCK + BLOCK - 1


index_recent = index_missing
"""The index says where the blocks begin that it lacks."""


def reindex(connection: Connection) -> Iterator[int]:
    """Index every block anew, the oldest first. Yields the last id of each."""
    for block in sorted(connection.scalars(_INDEXED)):
        connection.execute(text("DELETE FROM search_blocks WHERE block = :block"), {"block": block})
        _index_block(connection, block)
        yield block * BLOCK + BLOCK - 1
    yield from index_missing(connection)


def index_after_send(connection: Connection, message_ids: Sequence[int]) -> None:
    """Index the blocks that are complete since these messages, the newest of all, were sent."""
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


def _add(connection: Connection, block: int, documents: Iterable[Document]) -> None:
    found: dict[str, int] = defaultdict(int)
    for document in documents:
        bit = 1 << (document.message_id % BLOCK)
        for term in (_ALL, f"@{document.conversation_id}", *index_terms(document.texts)):
            found[term] |= bit
    if not found:
        return
    for term, members in connection.execute(_ROWS, {"block": block}):
        if term in found:
            found[term] |= unpack(members)
    rows = [{"block": block, "term": term, "members": pack(bits)} for term, bits in sorted(found.items())]
    connection.execute(_PUT, rows)


def microseconds(time: datetime) -> int:
    """*time* as `TIMES` keeps it."""
    return (time - _EPOCH) // _MICROSECOND


def last_block(connection: Connection) -> int:
    """The last block that was indexed, and -1 where none was. All before it were too."""
    last = connection.scalar(_LAST_BLOCK)
    return -1 if last is None else last


def _by_block(items: Iterable[T], id_of: Callable[[T], int]) -> Iterator[tuple[int, list[T]]]:
    for block, group in groupby(sorted(items, key=id_of), key=lambda item: id_of(item) // BLOCK):
        yield block, list(group)
