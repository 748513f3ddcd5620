"""What the database holds of a conversation: its head, its changes between two modseqs, and where a user joined it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select

from backend.errors import NotFound
from backend.events import Event, member_event, message_event
from backend.messages.access import is_open_to
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import messages_json
from backend.models import Conversation, ConversationEntry, Message, Room, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import LOBBY
from backend.rooms.access import get_room_for
from backend.rooms.serialise import room_json

PAGE = 500
IN_ONE_QUERY = 1_000
JUST_NOW = timedelta(seconds=1)

_c, _m = Conversation.__table__.c, Message.__table__.c
_select_heads = (
    select(_c.id, _c.last_seq, _c.last_modseq, Room.updated_at, Room.deleted_at)
    .outerjoin(Room, Room.id == _c.room_id)
    .where(_c.id.in_(bindparam("names", expanding=True)))
)  # compiled once: every reconciliation runs it


@dataclass(frozen=True)
class Head:
    """The last seq and modseq of a conversation. `room_updated_at` is None where it is no room."""

    conversation_id: str
    last_seq: int
    last_modseq: int
    room_updated_at: datetime | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class Changes:
    """All changes of one conversation up to modseq *upto*, in order. `is_complete` where that is its head."""

    events: list[Event]
    upto: int
    is_complete: bool
    is_deleted: bool = False


def heads_of(names: Collection[str]) -> list[Head]:
    """The heads of the named conversations."""
    ordered, found = sorted(names), []
    for start in range(0, len(ordered), IN_ONE_QUERY):
        chunk = {"names": ordered[start : start + IN_ONE_QUERY]}
        for name, seq, modseq, updated_at, deleted_at in db.session.execute(_select_heads, chunk):
            found.append(Head(name, seq, modseq, updated_at, deleted_at is not None))
    return found


def heads_for(user_id: int) -> list[Head]:
    """The heads of all conversations that *user_id* may read, read by one statement: all are of the same moment."""
    statement = (
        select(_c.id, _c.last_seq, _c.last_modseq, Room.updated_at)
        .join(ConversationEntry, ConversationEntry.conversation_id == _c.id)
        .outerjoin(Room, Room.id == _c.room_id)
        .where(ConversationEntry.user_id == user_id, is_open_to(user_id))
    )
    return [Head(*row) for row in db.session.execute(statement)]


def load_changes(name: str, since: int) -> Changes:
    """The changes of a conversation after modseq *since*: the first page of them.

    A message has the type `message.created` here, even where it was changed later. `SeenMessages` gives it the type that fits its
    receiver.
    """
    statement = select(_c.last_modseq, Room.deleted_at).outerjoin(Room, Room.id == _c.room_id).where(_c.id == name)
    head = db.session.execute(statement).one_or_none()
    if head is not None and head.deleted_at is not None:
        return Changes([], since, is_complete=True, is_deleted=True)
    if head is None or head.last_modseq <= since:
        return Changes([], since, is_complete=True)
    reach = (_m.conversation_id == name, _m.modseq > since, _m.modseq <= head.last_modseq)
    rows = db.session.execute(select(*MESSAGE_COLUMNS).where(*reach).order_by(_m.modseq).limit(PAGE)).all()
    is_complete = len(rows) < PAGE
    upto = head.last_modseq if is_complete else rows[-1].modseq
    messages = messages_json(rows, None, db.session)
    events = [
        message_event(
            "message.created" if message["deleted_at"] is None else "message.deleted", message, row.client_message_id
        )
        for message, row in zip(messages, rows, strict=True)
    ]
    events += _member_changes(name, since, upto)
    return Changes(sorted(events, key=lambda event: event.modseq or 0), upto, is_complete)


def _member_changes(name: str, since: int, upto: int) -> list[Event]:
    if not name.startswith("room:"):
        return []
    m = RoomMembership
    reach = (m.room_id == int(name.removeprefix("room:")), m.modseq > since, m.modseq <= upto)
    events = []
    for membership in db.session.execute(select(m).where(*reach)).scalars():
        if membership.left_at is not None:
            type_ = "member.left"
        else:
            has_just_joined = membership.updated_at - membership.joined_at < JUST_NOW
            type_ = "member.joined" if has_just_joined else "member.updated"
        events.append(member_event(type_, name, membership))
    return events


def inbox_rows_after(after_id: int) -> list[tuple[int, int, str]]:
    """The (id, user, conversation) of the inbox rows with an id greater than *after_id*, but for the lobby's."""
    e = ConversationEntry
    statement = select(e.id, e.user_id, e.conversation_id).where(e.id > after_id, e.conversation_id != LOBBY)
    return [(id_, user_id, name) for id_, user_id, name in db.session.execute(statement.order_by(e.id).limit(5_000))]


def last_inbox_row_id() -> int:
    """The id of the newest inbox row."""
    statement = select(ConversationEntry.id).order_by(ConversationEntry.id.desc()).limit(1)
    return db.session.execute(statement).scalar() or 0


def last_seq_at(name: str, modseq: int) -> int:
    """The last message that a client knows which has every change of a conversation up to *modseq*.

    Where all the latest messages were changed since, an earlier one is returned. The client then gets them as created again; the
    alternative would be `message.updated` for a message that it never saw.
    """
    statement = select(_m.seq).where(_m.conversation_id == name, _m.modseq <= modseq)
    return db.session.execute(statement.order_by(_m.seq.desc()).limit(1)).scalar() or 0


def room_for(user_id: int, name: str) -> dict[str, Any] | None:
    """The room as *user_id*, who joined it, may see it; None for other conversations, or if the user has left since."""
    user = db.session.get(User, user_id) if name.startswith("room:") else None
    if user is None:
        return None
    try:
        return room_json(get_room_for(user, int(name.removeprefix("room:"))).room, user)
    except NotFound:
        return None


def joined_at_modseq(user_id: int, name: str) -> tuple[int, int] | None:
    """The (modseq, seq) from which *user_id* receives a conversation that it joined; None where it may not read it.

    A membership carries the modseq of its last change and not of its beginning. Joining sets the read mark to the end, so the
    first message after the mark may be closer to the beginning.
    """
    first_unread = (
        select(func.min(_m.modseq))
        .where(_m.conversation_id == _c.id, _m.seq > ConversationEntry.last_read_seq)
        .correlate(Conversation.__table__, ConversationEntry.__table__)
        .scalar_subquery()
    )
    membership = (RoomMembership.room_id == _c.room_id) & (RoomMembership.user_id == user_id)
    statement = (
        select(_c.kind, ConversationEntry.last_read_seq, RoomMembership, first_unread.label("first"))
        .join(ConversationEntry, ConversationEntry.conversation_id == _c.id)
        .outerjoin(RoomMembership, membership)
        .where(_c.id == name, ConversationEntry.user_id == user_id)
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        return None
    kind, seq, member, first = row
    if kind != "room":
        return 0, 0
    if member is None or member.left_at is not None:
        return None
    return min(member.modseq, first or member.modseq) - 1, seq
