"""A user's inbox: its conversations, with unread counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, exists, func, or_, select

from backend.conversations.references import resolve_conversation
from backend.errors import NotFound
from backend.messages.access import authorize, is_open_to
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import messages_json
from backend.models import Conversation, ConversationEntry, Message, MessageMention, Room, User
from backend.models.base import db
from backend.models.conversation import dm_peer
from backend.pagination import Page, PageRequest
from backend.rooms.serialise import rooms_json
from backend.users.serialise import users_json

_c, _e, _m = Conversation.__table__.c, ConversationEntry.__table__.c, Message.__table__.c


def list_conversations(user: User, page_request: PageRequest) -> Page[dict[str, Any]]:
    """The inbox of *user*, last activity first. A direct conversation appears with its first message."""
    activity = func.coalesce(_c.last_message_at, _e.created_at)
    statement = (
        inbox_of(user.id).order_by(activity.desc(), _c.id).offset(page_request.skip).limit(page_request.limit + 1)
    )
    page = Page.from_rows(db.session.execute(statement).all(), page_request)
    return Page(_conversations_json(user, page.items), page.next)


def inbox_of(user_id: int) -> Select[Any]:
    """The query of a user's inbox: columns of conversations and entries, and both counts."""
    conversation = (_c.id, _c.kind, _c.room_id, _c.last_seq, _c.last_modseq)
    entry = (_e.last_read_seq, _e.is_muted, _e.is_pinned)
    counts = (unread_count(user_id).label("unread_count"), mention_count(user_id).label("mention_count"))
    return (
        select(*conversation, *entry, *counts)
        .join(ConversationEntry, _e.conversation_id == _c.id)
        .where(_e.user_id == user_id, is_open_to(user_id), or_(_c.kind != "dm", _c.last_seq > 0))
    )


def unread_count(user_id: int | ColumnElement[int]) -> ColumnElement[int]:
    """The number of messages after the read mark that others sent and that are not deleted, for the rows of an inbox query.

    Seqs have no gaps, so the number of messages after the mark is a difference. Only the user's own messages and the deleted
    ones are counted, each with an index, and subtracted.
    """
    after = (_m.conversation_id == _c.id, _m.seq > _e.last_read_seq)
    own = _count(*after, _m.sender_id == user_id)
    deleted = _count(*after, _m.deleted_at.is_not(None), _m.sender_id != user_id)
    return _c.last_seq - _e.last_read_seq - own - deleted


def mention_count(user_id: int | ColumnElement[int]) -> ColumnElement[int]:
    """The number of messages after the read mark that mention the user, or the whole room: each once.

    Messages that others sent and that are not deleted, as in `unread_count`.
    """
    n = MessageMention.__table__.c
    by_name = (
        select(func.count())
        .select_from(MessageMention.__table__.join(Message.__table__, _m.id == n.message_id))
        .where(n.user_id == user_id, n.conversation_id == _c.id, n.seq > _e.last_read_seq)
        .where(_m.sender_id != user_id, _m.deleted_at.is_(None))
        .correlate(Conversation.__table__, ConversationEntry.__table__)
        .scalar_subquery()
    )
    is_named = (
        exists()
        .where(n.message_id == _m.id, n.user_id == user_id)
        .correlate(Message.__table__, ConversationEntry.__table__)
    )
    after = (_m.conversation_id == _c.id, _m.seq > _e.last_read_seq, _m.mentions_room)
    return by_name + _count(*after, _m.sender_id != user_id, _m.deleted_at.is_(None), ~is_named)


def _count(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    statement = select(func.count()).select_from(Message.__table__).where(*conditions)
    return statement.correlate(Conversation.__table__, ConversationEntry.__table__).scalar_subquery()


def get_conversation(user: User, conversation_id: str) -> dict[str, Any]:
    """The row of a conversation in the inbox of *user*.

    Raises NotFound if it is not there: a conversation that does not exist or that *user* may not see, and a direct conversation
    without a message. Raises NotAMember for a public room that *user* is not in.
    """
    authorize(user, resolve_conversation(user.id, conversation_id))
    row = db.session.execute(inbox_of(user.id).where(_c.id == conversation_id)).one_or_none()
    if row is None:
        raise NotFound
    return _conversations_json(user, [row])[0]


def inbox_row(user: User, conversation_id: str) -> dict[str, Any]:
    """The row of a conversation in the inbox of *user*, who has one."""
    row = db.session.execute(inbox_of(user.id).where(_c.id == conversation_id)).one()
    return _conversations_json(user, [row])[0]


def _conversations_json(user: User, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    rooms = {room["id"]: room for room in _rooms(user, [row.room_id for row in rows if row.room_id is not None])}
    peer_ids = {row.id: dm_peer(row.id, user.id) for row in rows if row.kind == "dm"}
    peers = {peer["id"]: peer for peer in _users(user, set(peer_ids.values()))}
    last = _last_messages(user, [row.id for row in rows])
    answers = []
    for row in rows:
        answer: dict[str, Any] = {
            "id": row.id,
            "kind": row.kind,
            "last_seq": row.last_seq,
            "last_modseq": row.last_modseq,
            "last_read_seq": row.last_read_seq,
            "unread_count": row.unread_count,
            "mention_count": row.mention_count,
            "last_message": last.get(row.id),
            "is_muted": row.is_muted,
            "is_pinned": row.is_pinned,
        }
        if row.kind == "room":
            answer["room"] = rooms[row.room_id]
        elif row.kind == "dm":
            answer["user"] = peers.get(peer_ids[row.id])
        answers.append(answer)
    return answers


def _rooms(user: User, ids: list[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    return rooms_json(db.session.scalars(select(Room).where(Room.id.in_(ids))).all(), user)


def _users(viewer: User, ids: set[int | None]) -> list[dict[str, Any]]:
    if not ids:
        return []
    return users_json(db.session.execute(select(User).where(User.id.in_(ids))).scalars().all(), viewer)


def _last_messages(user: User, ids: list[str]) -> dict[str, dict[str, Any]]:
    statement = (
        select(*MESSAGE_COLUMNS)
        .join(Conversation, (_c.id == _m.conversation_id) & (_c.last_seq == _m.seq))
        .where(_c.id.in_(ids))
    )
    messages = messages_json(db.session.execute(statement).all(), user.id, db.session)
    return {message["conversation_id"]: message for message in messages}
