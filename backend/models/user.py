"""Users and roles."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    Dialect,
    ForeignKey,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    func,
    select,
    true,
    type_coerce,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship, validates

from backend.models.base import Base, Keyed, UtcDateTime

if TYPE_CHECKING:
    from backend.models.conversation import ConversationEntry
    from backend.models.session import RefreshToken, UserSession


def fold_username(username: str) -> str:
    """The form in which usernames are compared: `Alice` and `alice` are the same name."""
    return username.casefold()


class User(Keyed, Base):
    """An account. `email` is null only if the account was created with a one-time code.

    `email` and `username_key` are folded, for comparison. Mail goes to `mail_address`, or to `email` if that is null.
    """

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(100), unique=True, index=True)
    email: Mapped[str | None] = mapped_column(String(255), unique=True, index=True)
    mail_address: Mapped[str | None] = mapped_column(String(255))
    username_key: Mapped[str | None] = mapped_column(String(100), unique=True, index=True)
    hashed_password: Mapped[str | None] = mapped_column(String(255))
    mobile: Mapped[str | None] = mapped_column(String(20), unique=True)
    first_name: Mapped[str | None] = mapped_column(String(100))
    last_name: Mapped[str | None] = mapped_column(String(100))
    full_name: Mapped[str | None] = mapped_column(String(255))
    bio: Mapped[str | None] = mapped_column(Text)
    avatar: Mapped[str | None] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_superuser: Mapped[bool] = mapped_column(default=False, server_default=false())
    email_verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mobile_verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    sessions: Mapped[list[UserSession]] = relationship(back_populates="user", passive_deletes=True)
    refresh_tokens: Mapped[list[RefreshToken]] = relationship(back_populates="user", passive_deletes=True)
    user_roles: Mapped[list[UserRole]] = relationship(back_populates="user", passive_deletes=True)
    roles: Mapped[list[Role]] = relationship(secondary="user_roles", back_populates="users", viewonly=True)
    conversation_entries: Mapped[list[ConversationEntry]] = relationship(back_populates="user", passive_deletes=True)

    @validates("username")
    def _set_username_key(self, _name: str, username: str) -> str:
        self.username_key = fold_username(username)
        return username

    if TYPE_CHECKING:
        role_names: Mapped[list[str]]  # defined below, after UserRole

    scopes = frozenset[str]()
    """The scopes of this user in the current call, set by `Identity`. Empty for a row that was only loaded."""

    @property
    def may_read(self) -> bool:
        """Whether the current call may show users' data to this user, including their own."""
        return "read" in self.scopes

    @property
    def has_admin_power(self) -> bool:
        """Whether the current call may do what only superusers may. An API token needs the scope `admin` too."""
        return self.is_superuser and "admin" in self.scopes


class Role(Keyed, Base):
    """A named set of users, for the applications around Confab. In Confab it grants nothing."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(String(100), unique=True, index=True)
    description: Mapped[str | None] = mapped_column(String(255))

    users: Mapped[list[User]] = relationship(secondary="user_roles", back_populates="roles", viewonly=True)


class UserRole(Keyed, Base):
    """The role of a user."""

    __tablename__ = "user_roles"
    table_constraints = (UniqueConstraint("user_id", "role_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id", ondelete="CASCADE"), index=True)

    user: Mapped[User] = relationship(back_populates="user_roles")


class _Names(TypeDecorator[list[str]]):
    """Names that the database joined, in alphabetical order."""

    impl = String
    cache_ok = True
    separator = "\x1f"  # ASCII's unit separator, which no name contains

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[str]:
        return sorted(value.split(self.separator)) if value else []


# Every response about a user has the role names, so they are loaded with the user instead of by another query.
_role_names = (
    select(func.aggregate_strings(Role.name, _Names.separator))
    .join(UserRole, UserRole.role_id == Role.id)
    .where(UserRole.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)
User.role_names = column_property(type_coerce(_role_names, _Names))
