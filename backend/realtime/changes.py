"""The truth behind the hints: a conversation's changes, heads and followers, read from the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from backend.messages.access import is_open_to
from backend.messages.serialise import MESSAGE_COLUMNS, messages_json
from backend.models import ApiToken, Conversation, ConversationEntry, Message, Room, RoomMembership, User, UserSession
from backend.models.base import db, utcnow
from backend.models.conversation import LOBBY
from backend.realtime.connection import Right
from backend.realtime.events import Event, member_event, message_event

PAGE = 500
IN_ONE_QUERY = 1_000
JUST_NOW = timedelta(seconds=1)

_c, _m = Conversation.__table__.c, Message.__table__.c


@dataclass(frozen=True)
class Head:
    """How far a conversation is. `room_updated_at` is None where it is no room."""

    conversation_id: str
    last_seq: int
    last_modseq: int
    room_updated_at: datetime | None = None
    is_deleted: bool = False


def heads_of(names: Collection[str]) -> list[Head]:
    """The heads of the named conversations."""
    ordered, found = sorted(names), []
    columns = (_c.id, _c.last_seq, _c.last_modseq, Room.updated_at, Room.deleted_at)
    for start in range(0, len(ordered), IN_ONE_QUERY):
        wanted = _c.id.in_(ordered[start : start + IN_ONE_QUERY])
        statement = select(*columns).outerjoin(Room, Room.id == _c.room_id).where(wanted)
        for name, seq, modseq, updated_at, deleted_at in db.session.execute(statement):
            found.append(Head(name, seq, modseq, updated_at, deleted_at is not None))
    return found


def heads_for(user_id: int) -> list[Head]:
    """The heads of all conversations that *user_id* may read, in one statement, so that each is of one moment."""
    statement = (
        select(_c.id, _c.last_seq, _c.last_modseq)
        .join(ConversationEntry, ConversationEntry.conversation_id == _c.id)
        .where(ConversationEntry.user_id == user_id, is_open_to(user_id))
    )
    return [Head(*row) for row in db.session.execute(statement)]


def load_changes(name: str, since: int, known_seq: int) -> tuple[list[Event], int]:
    """The changes of a conversation behind modseq *since*, in order, and the modseq up to which they are complete.

    A message with a seq above *known_seq* is told as created, whatever happened to it since.
    """
    head = db.session.execute(select(_c.last_modseq).where(_c.id == name)).scalar()
    if head is None or head <= since:
        return [], since
    reach = (_m.conversation_id == name, _m.modseq > since, _m.modseq <= head)
    columns = (*MESSAGE_COLUMNS, _m.client_message_id.label("key"))
    rows = db.session.execute(select(*columns).where(*reach).order_by(_m.modseq).limit(PAGE)).all()
    upto = rows[-1].modseq if len(rows) == PAGE else head
    messages = messages_json([row[: len(MESSAGE_COLUMNS)] for row in rows], None, db.session)
    events = [
        message_event(_type_of(message, known_seq), message, row.key)
        for message, row in zip(messages, rows, strict=True)
    ]
    events += _member_changes(name, since, upto)
    return sorted(events, key=lambda event: event.modseq or 0), upto


def _type_of(message: dict[str, Any], known_seq: int) -> str:
    if message["deleted_at"] is not None:
        return "message.deleted"
    return "message.created" if message["seq"] > known_seq else "message.updated"


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


def new_followers(after_id: int) -> list[tuple[int, int, str]]:
    """Inbox rows made since the row *after_id*: (id, user, conversation)."""
    e = ConversationEntry
    statement = select(e.id, e.user_id, e.conversation_id).where(e.id > after_id, e.conversation_id != LOBBY)
    return [(id_, user_id, name) for id_, user_id, name in db.session.execute(statement.order_by(e.id).limit(5_000))]


def last_follower_id() -> int:
    """The id of the newest inbox row."""
    statement = select(ConversationEntry.id).order_by(ConversationEntry.id.desc()).limit(1)
    return db.session.execute(statement).scalar() or 0


def joined_at_modseq(user_id: int, name: str) -> tuple[int, int] | None:
    """From where *user_id* follows a conversation: (modseq, seq) of the moment it came in; None where it may not read it."""
    statement = (
        select(_c.kind, ConversationEntry.last_read_seq, RoomMembership.modseq, RoomMembership.left_at)
        .join(ConversationEntry, ConversationEntry.conversation_id == _c.id)
        .outerjoin(RoomMembership, (RoomMembership.room_id == _c.room_id) & (RoomMembership.user_id == user_id))
        .where(_c.id == name, ConversationEntry.user_id == user_id)
    )
    row = db.session.execute(statement).one_or_none()
    if row is None or (row.kind == "room" and (row.modseq is None or row.left_at is not None)):
        return None
    return (row.modseq - 1, row.last_read_seq) if row.kind == "room" else (0, 0)


def without_right(rights: Sequence[Right]) -> set[tuple[int | None, int | None]]:
    """Which of *rights* have ended, as (session, API token): signed out, deactivated, erased, expired."""
    wanted = {(right.session_id, right.api_token_id) for right in rights}
    alive: set[tuple[int | None, int | None]] = set()
    living = (User.is_active, User.deleted_at.is_(None))
    for ids in _chunks({session_id for session_id, _ in wanted if session_id is not None}):
        s = UserSession
        found = select(s.id).join(User).where(s.id.in_(ids), s.is_active, s.expires_at > utcnow(), *living)
        alive |= {(id_, None) for id_ in db.session.execute(found).scalars()}
    for ids in _chunks({token_id for _, token_id in wanted if token_id is not None}):
        t = ApiToken
        found = select(t.id).join(User).where(t.id.in_(ids), *living)
        alive |= {(None, id_) for id_ in db.session.execute(found).scalars()}
    return wanted - alive


def _chunks(ids: set[int]) -> list[list[int]]:
    ordered = sorted(ids)
    return [ordered[start : start + IN_ONE_QUERY] for start in range(0, len(ordered), IN_ONE_QUERY)]
