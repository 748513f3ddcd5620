"""The truth behind the hints: a conversation's changes, heads and followers, read from the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Select, bindparam, func, select

from backend.events import Event, member_event, message_event
from backend.messages.access import is_open_to
from backend.messages.serialise import MESSAGE_COLUMNS, messages_json
from backend.models import ApiToken, Conversation, ConversationEntry, Message, Room, RoomMembership, User, UserSession
from backend.models.base import db, utcnow
from backend.models.conversation import LOBBY
from backend.realtime.right import Right

PAGE = 500
IN_ONE_QUERY = 1_000
JUST_NOW = timedelta(seconds=1)

_c, _m = Conversation.__table__.c, Message.__table__.c
_select_heads = (
    select(_c.id, _c.last_seq, _c.last_modseq, Room.updated_at, Room.deleted_at)
    .outerjoin(Room, Room.id == _c.room_id)
    .where(_c.id.in_(bindparam("names", expanding=True)))
)  # made once, for it is asked at every tick


@dataclass(frozen=True)
class Head:
    """How far a conversation is. `room_updated_at` is None where it is no room."""

    conversation_id: str
    last_seq: int
    last_modseq: int
    room_updated_at: datetime | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class Changes:
    """Changes of one conversation, all there are up to *upto*. `is_complete` where that was the head."""

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
    """The heads of all conversations that *user_id* may read, in one statement, so that each is of one moment."""
    statement = (
        select(_c.id, _c.last_seq, _c.last_modseq)
        .join(ConversationEntry, ConversationEntry.conversation_id == _c.id)
        .where(ConversationEntry.user_id == user_id, is_open_to(user_id))
    )
    return [Head(*row) for row in db.session.execute(statement)]


def load_changes(name: str, since: int) -> Changes:
    """The changes of a conversation behind modseq *since*, in order, at most a page of them.

    A message is told as created, whatever happened to it since; whoever delivers it knows better (`Told`).
    """
    statement = select(_c.last_modseq, Room.deleted_at).outerjoin(Room, Room.id == _c.room_id).where(_c.id == name)
    head = db.session.execute(statement).one_or_none()
    if head is not None and head.deleted_at is not None:
        return Changes([], since, is_complete=True, is_deleted=True)
    if head is None or head.last_modseq <= since:
        return Changes([], since, is_complete=True)
    reach = (_m.conversation_id == name, _m.modseq > since, _m.modseq <= head.last_modseq)
    columns = (*MESSAGE_COLUMNS, _m.client_message_id.label("key"))
    rows = db.session.execute(select(*columns).where(*reach).order_by(_m.modseq).limit(PAGE)).all()
    is_complete = len(rows) < PAGE
    upto = head.last_modseq if is_complete else rows[-1].modseq
    messages = messages_json([row[: len(MESSAGE_COLUMNS)] for row in rows], None, db.session)
    events = [
        message_event("message.created" if message["deleted_at"] is None else "message.deleted", message, row.key)
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


def new_followers(after_id: int) -> list[tuple[int, int, str]]:
    """Inbox rows made since the row *after_id*: (id, user, conversation)."""
    e = ConversationEntry
    statement = select(e.id, e.user_id, e.conversation_id).where(e.id > after_id, e.conversation_id != LOBBY)
    return [(id_, user_id, name) for id_, user_id, name in db.session.execute(statement.order_by(e.id).limit(5_000))]


def last_follower_id() -> int:
    """The id of the newest inbox row."""
    statement = select(ConversationEntry.id).order_by(ConversationEntry.id.desc()).limit(1)
    return db.session.execute(statement).scalar() or 0


def last_seq_at(name: str, modseq: int) -> int:
    """The last message that is known to who has heard every change of a conversation up to *modseq*.

    Too early a one where all the latest were changed since: they are told as created again, which is better than as updated to
    who never saw them.
    """
    statement = select(_m.seq).where(_m.conversation_id == name, _m.modseq <= modseq)
    return db.session.execute(statement.order_by(_m.seq.desc()).limit(1)).scalar() or 0


def joined_at_modseq(user_id: int, name: str) -> tuple[int, int] | None:
    """From where *user_id* follows a conversation: (modseq, seq) of the moment it came in; None where it may not read it.

    A membership has the number of its last change and not of its beginning, so that the first message behind the read mark,
    which a joining sets to the end, may tell better.
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


def without_right(rights: Sequence[Right]) -> set[tuple[int | None, int | None]]:
    """Which of *rights* have ended, as (session, API token): signed out, deactivated, erased, expired."""
    sessions = {right.session_id for right in rights if right.session_id is not None}
    tokens = {right.api_token_id for right in rights if right.api_token_id is not None}
    ended_sessions = _without(_living_sessions, _count_sessions, sessions)
    ended_tokens = _without(_living_tokens, _count_tokens, tokens)
    return {(id_, None) for id_ in ended_sessions} | {(None, id_) for id_ in ended_tokens}


# Made once, for they are asked at every tick.
_ids: BindParameter[list[int]] = bindparam("ids", expanding=True)
_living = (User.is_active, User.deleted_at.is_(None))
_lasting = (UserSession.is_active, UserSession.expires_at > bindparam("now"))
_living_sessions = select(UserSession.id).join(UserSession.user).where(UserSession.id.in_(_ids), *_lasting, *_living)
_living_tokens = select(ApiToken.id).join(ApiToken.user).where(ApiToken.id.in_(_ids), *_living)


_count_sessions, _count_tokens = (
    living.with_only_columns(func.count(), maintain_column_froms=True) for living in (_living_sessions, _living_tokens)
)


def _without(living: Select[int], count: Select[int], ids: set[int]) -> set[int]:
    """Those of *ids* that are not among the *living*. While all of them are, they are counted and not read."""
    ended: set[int] = set()
    ordered = sorted(ids)
    for start in range(0, len(ordered), IN_ONE_QUERY):
        chunk = ordered[start : start + IN_ONE_QUERY]
        given = {"ids": chunk, "now": utcnow()}
        if db.session.scalar(count, given) != len(chunk):
            ended |= set(chunk).difference(db.session.scalars(living, given))
    return ended
