"""Sessions, tokens and codes. The database stores hashes, never a token."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, SmallInteger, String, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.models.base import Base, Keyed, UtcDateTime
from backend.models.user import User


class UserSession(Keyed, Base):
    """One sign-in on one device. Every access token names its session, so ending the session ends the token at once.

    `authenticated_at` is when the user last authenticated: at the sign-in, or by confirming it later.
    """

    __tablename__ = "sessions"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_token: Mapped[str] = mapped_column(String(255), unique=True, index=True)
    device_info: Mapped[str | None] = mapped_column(String(255))
    ip_address: Mapped[str | None] = mapped_column(String(50))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    authenticated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(back_populates="sessions")


class RefreshToken(Keyed, Base):
    """A link in a session's chain of refresh tokens; `successor` is the hash of the token that replaced it."""

    __tablename__ = "refresh_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    token: Mapped[str] = mapped_column(String(255), unique=True, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_used: Mapped[bool] = mapped_column(default=False, server_default=false())
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    successor: Mapped[str | None] = mapped_column(String(255))

    user: Mapped[User] = relationship(back_populates="refresh_tokens")


class ApiToken(Keyed, Base):
    """A long-lived token for a script, with scopes. It remains valid when the session that made it ends."""

    __tablename__ = "api_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()


class RevokedToken(Keyed, Base):
    """The hash of a revoked API token, so that its use answers `token_revoked`. Nothing else is kept, not even its user."""

    __tablename__ = "revoked_tokens"

    token: Mapped[str] = mapped_column(String(64), unique=True)


class WsTicket(Keyed, Base):
    """A ticket that opens one socket, once. It ends with its session."""

    __tablename__ = "ws_tickets"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    api_token_id: Mapped[int | None] = mapped_column(ForeignKey("api_tokens.id", ondelete="CASCADE"), index=True)
    ticket: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccountToken(Keyed, Base):
    """A secret that is sent by mail and verifies an address. `purpose` is `verify_email` or `reset_password`."""

    __tablename__ = "account_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(30))
    token: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OtpCode(Keyed, Base):
    """A one-time code that was sent to a number. A number has at most one valid code.

    `asked_by` is the client that requested it, and `guesses` has the number of attempts of each client. Both use keyed hashes of
    addresses. `tries` counts the attempts of all clients except the one that requested it.
    """

    __tablename__ = "otp_codes"
    table_constraints = (
        Index(
            "uq_otp_codes_mobile_live",
            "mobile",
            unique=True,
            postgresql_where=text("used_at IS NULL"),
            sqlite_where=text("used_at IS NULL"),
        ),
    )

    mobile: Mapped[str] = mapped_column(String(20), index=True)
    code: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    asked_by: Mapped[str | None] = mapped_column(String(64))
    guesses: Mapped[dict[str, int] | None] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
