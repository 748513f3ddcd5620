"""Messages, and the rows that belong to a message."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, BigInt, Keyed, UtcDateTime


class Message(Keyed, Base):
    """One message. `seq` is its position in the conversation; `modseq` is the number of its last change (RFC 7162).

    `has_extras` tells that mentions, reactions or attachments may exist. Lists of plain messages need no query for them.
    """

    __tablename__ = "messages"
    table_constraints = (
        UniqueConstraint("conversation_id", "seq"),
        UniqueConstraint("conversation_id", "modseq"),
        UniqueConstraint("sender_id", "client_message_id"),
        # Unread counts subtract the reader's own messages and deleted ones; both are counted in these indexes.
        Index("ix_messages_conversation_id_sender_id_seq", "conversation_id", "sender_id", "seq"),
        Index(
            "ix_messages_conversation_id_deleted",
            "conversation_id",
            "seq",
            postgresql_where=text("deleted_at IS NOT NULL"),
            sqlite_where=text("deleted_at IS NOT NULL"),
        ),
        Index(
            "ix_messages_parent_id_seq",
            "parent_id",
            "seq",
            postgresql_where=text("parent_id IS NOT NULL"),
            sqlite_where=text("parent_id IS NOT NULL"),
        ),
        Index(
            "ix_messages_conversation_id_mentions_room",
            "conversation_id",
            "seq",
            postgresql_where=text("mentions_room"),
            sqlite_where=text("mentions_room"),
        ),
    )

    conversation_id: Mapped[str] = mapped_column(String(100), ForeignKey("conversations.id"), index=True)
    seq: Mapped[int] = mapped_column(BigInt)
    modseq: Mapped[int] = mapped_column(BigInt)
    sender_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    room_id: Mapped[int | None] = mapped_column(ForeignKey("chat_rooms.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    content: Mapped[str] = mapped_column(Text)
    is_read: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    mentions_room: Mapped[bool] = mapped_column(default=False, server_default=false())
    reply_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    has_extras: Mapped[bool] = mapped_column(default=False, server_default=false())
    client_message_id: Mapped[str | None] = mapped_column(String(64))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MessageEdit(Keyed, Base):
    """An earlier version of a message: its content until `edited_at`."""

    __tablename__ = "message_edits"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    content: Mapped[str] = mapped_column(Text)
    edited_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Reaction(Keyed, Base):
    """A user's reaction to a message: one emoji."""

    __tablename__ = "reactions"
    table_constraints = (UniqueConstraint("message_id", "user_id", "emoji"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    emoji: Mapped[str] = mapped_column(String(64))


class MessageMention(Keyed, Base):
    """The mention, in a message, of a user who can see it."""

    __tablename__ = "message_mentions"
    table_constraints = (
        UniqueConstraint("message_id", "user_id"),
        Index("ix_message_mentions_user_id_conversation_id_seq", "user_id", "conversation_id", "seq"),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # Copied from the message, so that one index is enough to count the unread mentions of an inbox.
    conversation_id: Mapped[str] = mapped_column(String(100))
    seq: Mapped[int] = mapped_column(BigInt)


class Pin(Keyed, Base):
    """A pinned message of a conversation."""

    __tablename__ = "pins"
    table_constraints = (UniqueConstraint("message_id"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    conversation_id: Mapped[str] = mapped_column(
        String(100), ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    pinned_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class AttachmentState(StrEnum):
    """Whether the file of an attachment can be read."""

    PENDING = "pending"
    """It is being written. A row that stays so was left by a crash."""

    READY = "ready"

    REMOVED = "removed"
    """It is being removed, and its row after it."""


class Attachment(Keyed, Base):
    """A file. While it has no message, only its uploader has access to it, and it is deleted after a day.

    The row exists before the file is written, and until the file is deleted: see `AttachmentState`.
    """

    __tablename__ = "attachments"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    filename: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInt)
    storage_key: Mapped[str] = mapped_column(String(255), unique=True)
    thumbnail_key: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(
        String(16), default=AttachmentState.READY, server_default=AttachmentState.READY.value
    )
    thumbnail_size: Mapped[int | None] = mapped_column(Integer)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
