"""The second factor of an account: an authenticator app, and recovery codes for a lost one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, BigInt, Keyed, UtcDateTime


class TotpFactor(Keyed, Base):
    """The secret that an account shares with an authenticator app (RFC 6238), encrypted.

    It is in effect once it is confirmed.

    `last_step` is the time step of the last code that was used, so that no code is accepted twice.
    """

    __tablename__ = "totp_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    secret: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_step: Mapped[int | None] = mapped_column(BigInt)


class RecoveryCode(Keyed, Base):
    """A code that replaces one of the app, once. Stored as a keyed hash."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
