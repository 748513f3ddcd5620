"""Rooms, their memberships and invites."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, event, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.models.base import Base, BigInt, Keyed, UtcDateTime, db, utcnow
from backend.models.user import User


class Room(Keyed, Base):
    """A room. `deleted_at` hides it at once; its messages are then deleted in batches."""

    __tablename__ = "chat_rooms"

    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)
    is_public: Mapped[bool] = mapped_column(default=True, server_default=true())
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@event.listens_for(Room, "before_update")
def _advance_updated_at(_mapper: object, _connection: object, room: Room) -> None:
    """Let `updated_at` grow with each change, whatever the clocks of the machines say: workers compare it to find changes."""
    if db.session.is_modified(room, include_collections=False):
        room.updated_at = max(utcnow(), room.updated_at + timedelta(microseconds=1))


class RoomMembership(Keyed, Base):
    """The membership of a user in a room. `left_at` is set when it has ended; `is_banned` keeps the user out.

    `left_by_self` tells of an ended membership whether the member left. It is false if an admin ended it, and null if that is not
    known or was forgiven.

    The row of an ended membership is kept, so that its `modseq` reports the end to the other members.
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

    def set_joined(self) -> None:
        """Let the membership begin now. The equal times tell its beginning from a later change."""
        self.joined_at = self.updated_at = utcnow()


class RoomInvite(Keyed, Base):
    """A code with which users can join a room. Stored as a hash."""

    __tablename__ = "room_invites"

    room_id: Mapped[int] = mapped_column(ForeignKey("chat_rooms.id", ondelete="CASCADE"), index=True)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    code: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    max_uses: Mapped[int | None] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
