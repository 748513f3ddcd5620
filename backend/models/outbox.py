"""Text messages and mail that are to be sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Keyed, UtcDateTime


class OutboxMessage(Keyed, Base):
    """A text message or mail. It is stored in the transaction that causes it, and sent outside of any request.

    It is pending while `next_attempt_at` is set. Recipient and text are encrypted in `payload`, which is deleted when the message
    was sent or given up. The other columns hold nothing personal.
    """

    __tablename__ = "outbox"
    table_constraints = (
        Index(
            "ix_outbox_kind_next_attempt_at",
            "kind",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
            sqlite_where=text("next_attempt_at IS NOT NULL"),
        ),
    )

    kind: Mapped[str] = mapped_column(String(10))
    topic: Mapped[str] = mapped_column(String(30))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    payload: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    given_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(255))
