"""Rooms and who is in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.models.base import Base, BigInt, Keyed, UtcDateTime, utcnow
from backend.models.user import User


class Room(Keyed, Base):
    """A room. `deleted_at` hides it at once; its messages are purged after that, in batches."""

    __tablename__ = "chat_rooms"

    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)
    is_public: Mapped[bool] = mapped_column(default=True, server_default=true())
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RoomMembership(Keyed, Base):
    """That a user is in a room, was in it (`left_at`), or is kept out of it (`is_banned`).

    `left_by_self` says of a membership that ended whether its member left; it is false where an admin ended it, and null where
    that is not known or was forgiven.

    A membership that ended stays as a row, so that `modseq` tells others of the leaving too.
    """

    __tablename__ = "room_memberships"
    table_constraints = (
        UniqueConstraint("user_id", "room_id"),
        Index("ix_room_memberships_room_id_modseq", "room_id", "modseq"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    room_id: Mapped[int] = mapped_column(ForeignKey("chat_rooms.id", ondelete="CASCADE"))
    is_admin: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_banned: Mapped[bool] = mapped_column(default=False, server_default=false())
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_by_self: Mapped[bool | None]
    modseq: Mapped[int] = mapped_column(BigInt, default=0, server_default="0")

    user: Mapped[User] = relationship()


class RoomInvite(Keyed, Base):
    """A code that lets its bearer join a room; hashed like every secret that opens something."""

    __tablename__ = "room_invites"

    room_id: Mapped[int] = mapped_column(ForeignKey("chat_rooms.id", ondelete="CASCADE"), index=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    code: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    max_uses: Mapped[int | None] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
