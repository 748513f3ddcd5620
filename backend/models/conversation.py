"""Conversations, which are ordered streams of messages, and the inbox entries of users."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.database import MAX_ID
from backend.models.base import Base, BigInt, Keyed, Timestamped, UtcDateTime

if TYPE_CHECKING:
    from backend.models.user import User

LOBBY = "lobby"

_ROOM = re.compile(r"room:([1-9][0-9]{0,18})", re.ASCII)
_DM = re.compile(r"dm:([1-9][0-9]{0,18}):([1-9][0-9]{0,18})", re.ASCII)


class Conversation(Timestamped, Base):
    """One ordered stream of messages: `lobby`, `room:7` or `dm:3:9`.

    The row is the lock and the counter of its stream. Every change in the conversation begins with an UPDATE of this row, so
    `seq` and `modseq` are allocated in commit order and without gaps.
    """

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(100), primary_key=True, sort_order=-1)
    kind: Mapped[str] = mapped_column(String(10))
    room_id: Mapped[int | None] = mapped_column(ForeignKey("chat_rooms.id"), unique=True)
    last_seq: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    last_modseq: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    last_message_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConversationEntry(Keyed, Base):
    """A conversation in a user's inbox: up to which message it is read, and whether it is muted or pinned."""

    __tablename__ = "conversation_entries"
    table_constraints = (UniqueConstraint("user_id", "conversation_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    conversation_id: Mapped[str] = mapped_column(
        String(100), ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    last_read_seq: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")
    is_muted: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_pinned: Mapped[bool] = mapped_column(default=False, server_default=false())

    user: Mapped[User] = relationship(back_populates="conversation_entries")


def room_conversation_id(room_id: int) -> str:
    """The id of a room's conversation."""
    return f"room:{room_id}"


def dm_conversation_id(one: int, other: int) -> str:
    """The id of the direct conversation of two users. With one user twice, it is that of the user's notes."""
    return f"dm:{min(one, other)}:{max(one, other)}"


def dm_peer(conversation_id: str, user_id: int) -> int | None:
    """The other user of a direct conversation. None if it is not a canonical `dm:` id, or *user_id* is not in it."""
    found = _DM.fullmatch(conversation_id)
    if found is None:
        return None
    low, high = int(found[1]), int(found[2])
    if user_id not in (low, high) or high > MAX_ID or conversation_id != dm_conversation_id(low, high):
        return None
    return high if user_id == low else low


def room_of(conversation_id: str) -> int | None:
    """The id of the room of a conversation. None if it is not a canonical `room:` id."""
    found = _ROOM.fullmatch(conversation_id)
    room_id = int(found[1]) if found is not None else 0
    return room_id if 0 < room_id <= MAX_ID else None
