"""The second factor of an account: an authenticator app, and the codes for the day when it is lost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, BigInt, Keyed, UtcDateTime


class TotpFactor(Keyed, Base):
    """The secret that an account shares with an authenticator app (RFC 6238), encrypted. It counts once it is confirmed.

    `last_step` is the time step of the code that was used last: no code serves twice.
    """

    __tablename__ = "totp_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    secret: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_step: Mapped[int | None] = mapped_column(BigInt)


class RecoveryCode(Keyed, Base):
    """A code that serves once in the place of one from the app. Kept as a keyed hash."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
