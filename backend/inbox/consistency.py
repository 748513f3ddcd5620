"""A check of all conversations, messages, inbox rows and the index of search. It may run while the server is in use.

Each page of conversations is read in one snapshot, so that concurrent changes cause no faults. On SQLite the WAL grows meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, select, tuple_

from backend.database import snapshot
from backend.inbox.consistency_counts import check_counts
from backend.inbox.consistency_messages import MESSAGE_COLUMNS, check_messages
from backend.models import Conversation, Message, Room
from backend.models.base import db
from backend.search.index import check_index

PAGE = 200
"""Conversations in one snapshot."""

MESSAGES = 1_000
"""Messages that are held in memory at once."""

_c, _m = Conversation.__table__.c, Message.__table__.c


@dataclass
class Progress:
    """What was checked since the last one, with a line for each fault."""

    conversations: int = 0
    messages: int = 0
    indexed_up_to: int = 0
    """The id of the last message whose index was checked."""

    faults: list[str] = field(default_factory=list)


@dataclass
class _Numbers:
    """The numbers of a conversation, and those of its messages."""

    name: str
    last_seq: int
    last_modseq: int
    count: int = 0
    max_seq: int = 0
    max_modseq: int = 0

    def add(self, seq: int, modseq: int) -> None:
        self.count, self.max_seq, self.max_modseq = self.count + 1, seq, max(modseq, self.max_modseq)

    @property
    def is_right(self) -> bool:
        return self.count == self.last_seq == self.max_seq and self.max_modseq <= self.last_modseq

    def __str__(self) -> str:
        return (
            f"{self.name}: last seq {self.last_seq}, last modseq {self.last_modseq}, but {self.count} messages up to "
            f"seq {self.max_seq}, modseq {self.max_modseq}"
        )


def check_consistency() -> Iterator[Progress]:
    """Check everything, and yield the progress after each thousand messages. Holds little in memory, however many there are.

    It checks that seqs have no gaps, that the marks, counts and copies in the rows of messages, mentions and pins are right, that
    each inbox row has the right counts, and that the index of search has the terms of the messages.
    """
    last = ""
    while True:
        with snapshot(db.engine) as connection:
            heads = _page_after(connection, last)
            if not heads:
                break
            yield from _check_page(connection, heads)
        last = heads[-1].id
    after = 0
    while True:
        with snapshot(db.engine) as connection:
            checked = check_index(connection, after)
        if checked is None:
            return
        after, wrong = checked
        yield Progress(indexed_up_to=after, faults=[f"message {id_} is indexed wrongly for search" for id_ in wrong])


def _page_after(connection: Connection, last: str) -> Sequence[Row[Any]]:
    """The next conversations by id. Deleted rooms are left out, because their messages are being deleted."""
    statement: Select[Any] = (
        select(_c.id, _c.last_seq, _c.last_modseq)
        .outerjoin(Room, Room.id == _c.room_id)
        .where(_c.id > last, Room.deleted_at.is_(None))
    )
    return connection.execute(statement.order_by(_c.id).limit(PAGE)).all()


def _check_page(connection: Connection, heads: Sequence[Row[Any]]) -> Iterator[Progress]:
    numbers = {head.id: _Numbers(head.id, head.last_seq, head.last_modseq) for head in heads}
    for rows in _messages_of(connection, heads[0].id, heads[-1].id):
        some = [row for row in rows if row.conversation_id in numbers]
        for row in some:
            numbers[row.conversation_id].add(row.seq, row.modseq)
        yield Progress(messages=len(some), faults=check_messages(connection, some))
    faults = [str(each) for each in numbers.values() if not each.is_right]
    for more in check_counts(connection, list(numbers)):
        yield Progress(faults=more)
    yield Progress(conversations=len(heads), faults=faults)


def _messages_of(connection: Connection, first: str, last: str) -> Iterator[Sequence[Row[Any]]]:
    """The messages of all conversations between two ids, in the order of an index."""
    key, after = tuple_(_m.conversation_id, _m.seq), (first, 0)
    statement: Select[Any] = (
        select(*MESSAGE_COLUMNS).where(_m.conversation_id.between(first, last)).order_by(*key).limit(MESSAGES)
    )
    while rows := connection.execute(statement.where(key > after)).all():
        yield rows
        after = (rows[-1].conversation_id, rows[-1].seq)
