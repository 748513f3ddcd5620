"""Blocks, reports, and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, BigInt, Keyed, UtcDateTime


class Block(Keyed, Base):
    """`user_id` does not receive direct messages from `blocked_id`."""

    __tablename__ = "blocks"
    table_constraints = (UniqueConstraint("user_id", "blocked_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    blocked_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class Report(Keyed, Base):
    """A user's complaint about a message, and the decision of a superuser."""

    __tablename__ = "reports"
    table_constraints = (
        UniqueConstraint("message_id", "reporter_id"),
        Index("ix_reports_status_id", "status", "id"),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), default="open", server_default="open")
    note: Mapped[str | None] = mapped_column(Text)
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEvent(Keyed, Base):
    """An action of an administrator or a security rule, with actor, target, time and address.

    Rows are never changed. They are kept when the accounts that they name are deleted.
    """

    __tablename__ = "audit_events"
    table_constraints = (Index("ix_audit_events_action_id", "action", "id"),)

    actor_id: Mapped[int | None] = mapped_column(BigInt, index=True)
    action: Mapped[str] = mapped_column(String(100))
    target: Mapped[str | None] = mapped_column(String(100))
    ip_address: Mapped[str | None] = mapped_column(String(50))
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON)
