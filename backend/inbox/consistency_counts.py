"""A check of the unread and mention counts of inbox rows: they are counted again, message by message."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, Row, Select, select, tuple_

from backend.inbox.service import mention_count, unread_count
from backend.models import Conversation, ConversationEntry, Message, MessageMention

ENTRIES = 5_000
"""Inbox rows that are held in memory at once. The messages of a conversation are read once for each so many of its rows."""

ENTRIES_PER_QUERY = 500
MESSAGES = 2_000

_c, _e, _m, _n = (model.__table__.c for model in (Conversation, ConversationEntry, Message, MessageMention))


@dataclass
class _Tally:
    """Messages that are not deleted, counted from the newest backwards."""

    users: set[int]
    total: int = 0
    to_room: int = 0
    own: Counter[int] = field(default_factory=Counter)
    own_to_room: Counter[int] = field(default_factory=Counter)
    named: Counter[int] = field(default_factory=Counter)
    """By user: the messages of others that mention the user and not the whole room."""

    def add(self, sender_id: int, mentions_room: bool, mentioned: Iterable[int]) -> None:
        self.total += 1
        self.to_room += mentions_room
        if sender_id in self.users:
            self.own[sender_id] += 1
            self.own_to_room[sender_id] += mentions_room
        if not mentions_room:
            self.named.update(self.users.intersection(mentioned) - {sender_id})

    def counts(self, user_id: int) -> tuple[int, int]:
        """The unread and mention counts of a user who has read none of these messages."""
        return self.total - self.own[user_id], self.to_room - self.own_to_room[user_id] + self.named[user_id]


def check_counts(connection: Connection, names: Sequence[str]) -> Iterator[list[str]]:
    """Check all inbox rows of the conversations *names*, and yield lines for the faults of some thousand rows."""
    entries = _entries(connection, names)
    while some := list(islice(entries, ENTRIES)):
        by_name = groupby(some, key=lambda entry: str(entry.conversation_id))
        yield [fault for name, group in by_name for fault in _faults(connection, name, list(group))]


def _entries(connection: Connection, names: Sequence[str]) -> Iterator[Row[Any]]:
    """The inbox rows with the counts that their users are shown."""
    key, after = tuple_(_e.conversation_id, _e.user_id), ("", 0)
    shown = (unread_count(_e.user_id).label("unread"), mention_count(_e.user_id).label("mentions"))
    statement: Select[Any] = (
        select(*key, _e.last_read_seq, *shown)
        .join(Conversation, _c.id == _e.conversation_id)
        .where(_e.conversation_id.in_(names))
        .order_by(*key)
        .limit(ENTRIES_PER_QUERY)
    )
    while rows := connection.execute(statement.where(key > after)).all():
        yield from rows
        after = (rows[-1].conversation_id, rows[-1].user_id)


def _faults(connection: Connection, name: str, entries: list[Row[Any]]) -> list[str]:
    entries.sort(key=lambda entry: entry.last_read_seq, reverse=True)
    tally = _Tally({entry.user_id for entry in entries})
    faults: list[str] = []
    waiting = iter(entries)
    entry = next(waiting, None)
    for seq, sender_id, mentions_room, mentioned in _live_messages(connection, name, entries[-1].last_read_seq):
        while entry is not None and entry.last_read_seq >= seq:
            faults += _compare(name, entry, tally)
            entry = next(waiting, None)
        tally.add(sender_id, mentions_room, mentioned)
    while entry is not None:
        faults += _compare(name, entry, tally)
        entry = next(waiting, None)
    return sorted(faults)


def _compare(name: str, entry: Row[Any], tally: _Tally) -> Iterator[str]:
    unread, mentions = tally.counts(entry.user_id)
    if entry.unread != unread:
        yield f"{name}: user {entry.user_id} is shown {entry.unread} unread messages, but has {unread}"
    if entry.mentions != mentions:
        yield f"{name}: user {entry.user_id} is shown {entry.mentions} mentions, but has {mentions}"


def _live_messages(connection: Connection, name: str, after: int) -> Iterator[tuple[int, int, bool, list[int]]]:
    """Seq, sender, `mentions_room` and mentioned users of the messages above *after* that are not deleted, newest first."""
    statement: Select[Any] = (
        select(_m.id, _m.seq, _m.sender_id, _m.mentions_room)
        .where(_m.conversation_id == name, _m.seq > after, _m.deleted_at.is_(None))
        .order_by(_m.seq.desc())
        .limit(MESSAGES)
    )
    rows = connection.execute(statement).all()
    while rows:
        mentioned = _mentioned(connection, rows)
        for row in rows:
            yield row.seq, row.sender_id, row.mentions_room, mentioned[row.id]
        rows = connection.execute(statement.where(_m.seq < rows[-1].seq)).all()


def _mentioned(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    ids = [row.id for row in rows]
    for message_id, user_id in connection.execute(select(_n.message_id, _n.user_id).where(_n.message_id.in_(ids))):
        found[message_id].append(user_id)
    return found
