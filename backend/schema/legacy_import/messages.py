"""Imports messages: the conversation of each, their order, and the inboxes of users.

Python cleans the rows and writes them to a staging table. The database then numbers them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from backend.models import Conversation, ConversationEntry
from backend.models.base import UtcDateTime
from backend.models.conversation import LOBBY, dm_conversation_id, room_conversation_id
from backend.schema.legacy_import.report import Report
from backend.schema.legacy_import.rooms import OTHER_ROOM, ROOM, Places
from backend.schema.legacy_import.source import Source, insert
from backend.schema.legacy_import.users import People
from backend.schema.legacy_import.values import as_bool, as_int, as_line, as_text, as_time
from backend.search.index import index_missing

MESSAGES = {
    "id": ("id",),
    "sender_id": ("sender_id", "user_id", "author_id"),
    "recipient_id": ("recipient_id", "receiver_id"),
    "room_id": ROOM,
    "conversation_id": ("conversation_id",),
    "parent_id": ("parent_id", "reply_to_id"),
    "content": ("content", "text", "body", "message"),
    "is_read": ("is_read",),
    "created_at": ("created_at", "timestamp", "sent_at"),
    "updated_at": ("updated_at",),
    "edited_at": ("edited_at",),
    "deleted_at": ("deleted_at",),
    "is_deleted": ("is_deleted",),
}

_staging = sa.Table(
    "legacy_staging",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("conversation_id", sa.String(100), nullable=False),
    sa.Column("sender_id", sa.BigInteger, nullable=False),
    sa.Column("recipient_id", sa.BigInteger),
    sa.Column("room_id", sa.BigInteger),
    sa.Column("parent_id", sa.BigInteger),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("is_read", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("edited_at", UtcDateTime),
    sa.Column("deleted_at", UtcDateTime),
)


@dataclass(frozen=True)
class _Where:
    """The conversation of a message, in Confab's columns."""

    conversation_id: str
    recipient_id: int | None = None
    room_id: int | None = None


@dataclass
class _Groups:
    """The participants of each foreign conversation_id, up to three: with three it is not a pair."""

    participants: dict[str, set[int]] = field(default_factory=dict)

    def add(self, name: str, *user_ids: int | None) -> None:
        found = self.participants.setdefault(name, set())
        for user_id in user_ids:
            if user_id is not None and len(found) < 3:
                found.add(user_id)

    def peer(self, name: str, sender_id: int) -> int | None:
        """The recipient of a message without one: the other user of the pair, or the sender for notes."""
        found = self.participants.get(name, set())
        if len(found) > 2:
            return None
        return next((user_id for user_id in found if user_id != sender_id), sender_id)


def adopt_messages(
    connection: Connection, source: Source | None, people: People, places: Places, report: Report
) -> None:
    """Copy the messages to their conversations, and create the inbox of every account."""
    if source is not None:
        _staging.create(connection)
        _stage(connection, source, people, places, report)
        _settle_parents(connection, report)
        _open_direct(connection, people)
        _number(connection)
        _staging.drop(connection)
        for _ in index_missing(connection):
            pass
    _make_entries(connection, people, places)


def _stage(connection: Connection, source: Source, people: People, places: Places, report: Report) -> None:
    insert(connection, _staging, _messages(source, people, places, report))


def _messages(source: Source, people: People, places: Places, report: Report) -> Iterator[dict[str, Any]]:
    groups, last = _group(source, people), None
    is_read_known = source.has("is_read")
    seen: set[int] = set()
    for row in source.rows({**MESSAGES, "other_room": OTHER_ROOM}):
        message_id, sender_id = as_int(row["id"]), as_int(row["sender_id"])
        if message_id is None or message_id in seen:
            report.note("messages", "not adopted: id missing or used twice")
            continue
        if not source.has_key:
            seen.add(message_id)
        where = _where(row, sender_id, people, places, groups, report)
        if where is None or sender_id is None:
            continue
        created_at = as_time(row["created_at"])
        if created_at is None:
            report.note("messages", "without a time: set to that of the previous message")
            created_at = last or people.now
        last = created_at
        content = as_text(row["content"])
        if content is None:
            report.note("messages", "without a text: set to empty")
        deleted_at = as_time(row["deleted_at"]) or (people.now if as_bool(row["is_deleted"]) else None)
        yield {
            "id": message_id,
            "conversation_id": where.conversation_id,
            "sender_id": sender_id,
            "recipient_id": where.recipient_id,
            "room_id": where.room_id,
            "parent_id": as_int(row["parent_id"]),
            "content": content or "",
            "is_read": bool(as_bool(row["is_read"])) if is_read_known else where.recipient_id is not None,
            "created_at": created_at,
            "updated_at": as_time(row["updated_at"]) or created_at,
            "edited_at": as_time(row["edited_at"]),
            "deleted_at": deleted_at,
        }


def _group(source: Source, people: People) -> _Groups:
    groups = _Groups()
    if source.has("conversation_id"):
        wanted = {name: MESSAGES[name] for name in ("conversation_id", "sender_id", "recipient_id", "room_id")}
        for row in source.rows(wanted):
            name, sender_id = as_line(row["conversation_id"]), as_int(row["sender_id"])
            if name is not None and row["room_id"] is None and sender_id in people.ids:
                recipient_id = as_int(row["recipient_id"])
                groups.add(name, sender_id, recipient_id if recipient_id in people.ids else None)
    return groups


def _where(
    row: dict[str, Any], sender_id: int | None, people: People, places: Places, groups: _Groups, report: Report
) -> _Where | None:
    """The conversation of a message. None, with the reason in the report, if the sender or the recipients are unknown.

    A message with a recipient, a foreign conversation or what may be a room was private, and is never put into the lobby.
    """
    if sender_id is None or sender_id not in people.ids:
        report.note("messages", "not adopted: unknown sender")
        return None
    if row["room_id"] is not None:
        room_id = as_int(row["room_id"])
        if room_id in places.owners and room_id is not None:
            return _Where(room_conversation_id(room_id), room_id=room_id)
        report.note("messages", "not adopted: unknown room")
        return None
    recipient_id, name = as_int(row["recipient_id"]), as_line(row["conversation_id"])
    if row["recipient_id"] is None and name is None:
        if row["other_room"] is not None:
            report.note("messages", "not adopted: in a room, by a column that only --map assigns")
            return None
        return _Where(LOBBY)
    if row["recipient_id"] is None and name is not None:
        recipient_id = groups.peer(name, sender_id)
        if recipient_id is None:
            report.note("messages", "not adopted: no recipient, in a conversation of more than two users")
            return None
        report.note(
            "messages", "without a recipient: assigned to the other user of the conversation, or to the sender's notes"
        )
    if recipient_id is None or recipient_id not in people.ids:
        report.note("messages", "not adopted: unknown recipient")
        return None
    return _Where(dm_conversation_id(sender_id, recipient_id), recipient_id=recipient_id)


def _settle_parents(connection: Connection, report: Report) -> None:
    """Keep the parent of a reply if it was adopted, is older, and is in the same conversation."""
    parent = _staging.alias("parent")
    is_sound = sa.exists().where(
        parent.c.id == _staging.c.parent_id,
        parent.c.id < _staging.c.id,
        parent.c.conversation_id == _staging.c.conversation_id,
    )
    lost = connection.execute(
        sa.update(_staging).where(_staging.c.parent_id.is_not(None), ~is_sound).values(parent_id=None)
    )
    report.note("messages", "replies without their parent: it is missing or in another conversation", lost.rowcount)


def _open_direct(connection: Connection, people: People) -> None:
    times = {"created_at": people.now, "updated_at": people.now}
    ids = connection.scalars(
        sa.select(_staging.c.conversation_id).distinct().where(_staging.c.recipient_id.is_not(None))
    )
    rows = [{"id": name, "kind": "dm", "last_modseq": 0, **times} for name in ids]
    insert(connection, Conversation.__table__, iter(rows))


def _number(connection: Connection) -> None:
    """Allocate seq and modseq in order of time, and write the messages."""
    statements = (
        """
        INSERT INTO messages (id, conversation_id, seq, modseq, sender_id, recipient_id, room_id, parent_id, content,
            is_read, created_at, updated_at, edited_at, deleted_at)
        SELECT s.id, s.conversation_id, s.seq, c.last_modseq + s.seq, s.sender_id, s.recipient_id, s.room_id, s.parent_id,
            s.content, s.is_read, s.created_at, s.updated_at, s.edited_at, s.deleted_at
        FROM (SELECT legacy_staging.*, row_number() OVER (PARTITION BY conversation_id ORDER BY created_at, id) AS seq
              FROM legacy_staging) AS s
        JOIN conversations AS c ON c.id = s.conversation_id
        ORDER BY s.id
        """,
        """
        UPDATE conversations SET last_seq = n.total, last_modseq = last_modseq + n.total, last_message_at = n.latest
        FROM (SELECT conversation_id, count(*) AS total, max(created_at) AS latest FROM messages GROUP BY conversation_id) AS n
        WHERE n.conversation_id = conversations.id
        """,
        """
        UPDATE messages SET reply_count = n.total
        FROM (SELECT parent_id, count(*) AS total FROM messages WHERE parent_id IS NOT NULL AND deleted_at IS NULL
              GROUP BY parent_id) AS n
        WHERE n.parent_id = messages.id
        """,
    )
    for statement in statements:
        connection.execute(sa.text(statement))


def _make_entries(connection: Connection, people: People, places: Places) -> None:
    """Create the inbox of every account: the lobby, its rooms and its direct conversations.

    The messages of lobby and rooms count as read, as for a user who joins. In a direct conversation the messages before the first
    one that is unread in the legacy database count as read.
    """
    last_seq = {row.id: row.last_seq for row in connection.execute(sa.select(Conversation.id, Conversation.last_seq))}
    insert(connection, ConversationEntry.__table__, _entries(connection, people, places, last_seq))


def _entries(
    connection: Connection, people: People, places: Places, last_seq: dict[str, int]
) -> Iterator[dict[str, Any]]:
    def entry(user_id: int, conversation_id: str, mark: int, since: datetime) -> dict[str, Any]:
        times = {"created_at": since, "updated_at": people.now}
        return {"user_id": user_id, "conversation_id": conversation_id, "last_read_seq": mark, **times}

    unread = {
        (row[0], row[1]): int(row[2])
        for row in connection.execute(
            sa.text(
                "SELECT conversation_id, recipient_id, min(seq) FROM messages WHERE recipient_id IS NOT NULL "
                "AND recipient_id <> sender_id AND NOT is_read GROUP BY conversation_id, recipient_id"
            )
        )
    }
    for user_id in sorted(people.ids):
        yield entry(user_id, LOBBY, last_seq[LOBBY], people.created[user_id])
    for room_id, members in places.members.items():
        name = room_conversation_id(room_id)
        for user_id, member in members.items():
            if member.is_active:
                yield entry(user_id, name, last_seq[name], member.joined_at)
    for name, end in last_seq.items():
        if name.startswith("dm:"):
            for user_id in {int(part) for part in name.split(":")[1:]}:
                mark = unread.get((name, user_id), end + 1) - 1
                yield entry(user_id, name, mark, people.now)
