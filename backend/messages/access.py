"""Access to conversations and messages. Every way from an id to a row goes through here, and checks what the caller may see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from backend.conversations.references import ConversationRef, check_lobby, has_lobby, resolve_conversation
from backend.errors import NotFound
from backend.messages.fields import MESSAGE_COLUMNS
from backend.models import Conversation, ConversationEntry, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import LOBBY
from backend.models.message import Message
from backend.rooms.access import NotAMember, check_member
from backend.users.access import get_user_for


def authorize(user: User, place: ConversationRef) -> None:
    """Raise NotFound or NotAMember unless *user* may read and write in the conversation *place*."""
    check_lobby(place)
    if place.room_id is not None:
        check_member(user, place.room_id)
    elif place.peer_id is not None and place.peer_id != user.id and not _conversation_exists(place.conversation_id):
        get_user_for(user, place.peer_id)


def _conversation_exists(conversation_id: str) -> bool:
    return db.session.get(Conversation, conversation_id) is not None


def get_message_for(user: User, message_id: int) -> Row[Any]:
    """The row (`MESSAGE_COLUMNS`) of a message that *user* may see. Raises NotFound, also in a public room."""
    row = db.session.execute(select(*MESSAGE_COLUMNS).where(Message.id == message_id)).one_or_none()
    if row is None:
        raise NotFound
    try:
        authorize(user, resolve_conversation(user.id, row.conversation_id))
    except (NotFound, NotAMember):
        raise NotFound from None  # the answer for an unknown id, word for word
    return row


def visible_conversation_ids(user_id: int) -> Select[str]:
    """Select the ids of the conversations in *user_id*'s inbox that the user may read now."""
    return (
        select(Conversation.id)
        .join(ConversationEntry, ConversationEntry.conversation_id == Conversation.id)
        .where(ConversationEntry.user_id == user_id, is_open_to(user_id))
    )


def is_open_to(user_id: int) -> ColumnElement[bool]:
    """The condition that the conversation is not a room, or that *user_id* is a member of it, and that it `is_served`."""
    in_room = exists().where(
        RoomMembership.room_id == Conversation.room_id,
        RoomMembership.user_id == user_id,
        RoomMembership.left_at.is_(None),
    )
    return and_(or_(Conversation.room_id.is_(None), in_room), is_served(Conversation.id))


def is_served(conversation_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """The condition that the conversation is not the lobby, where there is none (LOBBY)."""
    return true() if has_lobby() else conversation_id != LOBBY
