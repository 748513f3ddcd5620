"""Registration and login. Passwords are hashed and checked while no transaction is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import false, or_, select, update
from sqlalchemy.orm import Session as DbSession

from backend.audit.log import record, user_target
from backend.auth import mails
from backend.auth.password_rules import hash_new_password
from backend.auth.sessions import Device, Grant, start_session
from backend.auth.sign_in import complete_sign_in
from backend.database import read_engine
from backend.errors import Forbidden, InvalidCredentials
from backend.identity.errors import InvalidTotp
from backend.models import User
from backend.models.base import db, utcnow
from backend.security.hashing import check_password, hash_secret
from backend.users.creation import add_user
from backend.users.emails import fold_email
from backend.users.usernames import is_named
from config import Config

MAX_NAME = 255
"""The maximal length of an email and of a username."""


@dataclass(frozen=True)
class Account:
    """The account that a login names. `key` is the same for all its names; `user_id` is None where there is no such account."""

    key: str
    user_id: int | None = None
    hashed_password: str | None = None


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    detail = "Nobody can register here. Ask an administrator for an account."


class InviteRequired(RegistrationClosed):
    detail = (
        "Registration needs an invite to a room. Ask a member of the team for one, and send its code as invite_code."
    )


def check_registration_open(has_invite: bool = False) -> None:
    """Raise RegistrationClosed, or InviteRequired, unless REGISTRATION lets somebody with or without an invite in."""
    config: Config = current_app.config["CONFAB"]
    if config.registration == "closed":
        raise RegistrationClosed
    if config.registration == "invite" and not has_invite:
        raise InviteRequired


def create_account(
    *,
    email: str,
    password: str,
    device: Device,
    first_name: str | None = None,
    last_name: str | None = None,
    username: str | None = None,
    mobile: str | None = None,
) -> tuple[User, Grant]:
    """Create an account, sign it in, and enqueue a mail with a link that verifies its address. Does not commit.

    Raises EmailTaken, UsernameTaken, MobileTaken, or ValidationFailed of a password that is too common.
    """
    names = (username, email, first_name, last_name, f"{first_name or ''} {last_name or ''}")
    hashed = hash_new_password("password", password, *names)
    user = add_user(
        username=username,
        email=email,
        hashed_password=hashed,
        mobile=mobile,
        first_name=first_name or None,
        last_name=last_name or None,
    )
    user.last_seen_at = utcnow()
    db.session.flush()
    record("account.created", user.id, user_target(user.id), {"by": "register"})
    mails.enqueue_verification(user)
    return user, start_session(user, device, by="register")


def find_account(*, email: str | None = None, username: str | None = None) -> Account:
    """Return the account with this *email* or *username*. If both are given, the email takes precedence. Leaves no transaction
    open.
    """
    names = [User.email == fold_email(email)] if email and len(email) <= MAX_NAME else []
    names += [is_named(username)] if username and len(username) <= MAX_NAME else []
    columns = (User.id, User.email, User.username, User.hashed_password, User.is_active, User.deleted_at)
    statement = select(*columns).where(or_(false(), *names)).order_by(User.id)
    with DbSession(read_engine(db.engine)) as session:
        rows = list(session.execute(statement)) if names else []
    if not rows:
        return Account("name:" + hash_secret(fold_email(email or username or ""))[:32])
    by_email = (row for row in rows if email and row.email == fold_email(email))
    row = next(by_email, next((row for row in rows if row.username == username), rows[0]))
    can_sign_in = row.is_active and row.deleted_at is None
    return Account(f"user:{row.id}", row.id, row.hashed_password if can_sign_in else None)


def verify_password(account: Account, password: str) -> None:
    """Check the *password* of the account.

    Raises InvalidCredentials, after the same time whether the account is unknown, deactivated or without a password, or the
    password is wrong.
    """
    if not check_password(password, account.hashed_password):
        refuse_login(account.user_id, "password")
        raise InvalidCredentials


def login(account: Account, device: Device, totp_code: str | None = None) -> dict[str, Any]:
    """Start a session of *account*, whose password was checked, and return the token answer.

    Raises TotpRequired and InvalidTotp where the account has a second factor, and InvalidCredentials where it was deactivated
    or its password changed since it was loaded.
    """
    user = record_attempt(account)
    if user is None:
        refuse_login(account.user_id, "password")
        raise InvalidCredentials
    try:
        grant = complete_sign_in(user, device, totp_code, "password")
    except InvalidTotp:
        db.session.rollback()
        refuse_login(account.user_id, "totp")
        raise
    db.session.commit()
    return grant.answer()


def refuse_login(user_id: int | None, by: str) -> None:
    """Record a failed sign-in, of an existing account or an unknown one. What the caller typed is not recorded."""
    record("login.failed", None, user_target(user_id) if user_id is not None else None, {"by": by})
    db.session.commit()


def record_attempt(account: Account) -> User | None:
    """Lock the account's row and update `last_seen_at`. Returns None where it was deactivated or its password changed since it
    was loaded.
    """
    statement = (
        update(User)
        .where(User.id == account.user_id, User.hashed_password == account.hashed_password)
        .where(User.is_active, User.deleted_at.is_(None))
        .values(last_seen_at=utcnow(), updated_at=User.updated_at)
        .returning(User)
    )
    return db.session.scalars(statement).one_or_none()
