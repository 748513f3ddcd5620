"""Changing and resetting passwords. Hashes are made and checked while no transaction is open."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session as DbSession

from backend.audit.log import record, user_target
from backend.auth import mails
from backend.auth.password_rules import hash_new_password, names_of
from backend.auth.revocation import revoke_tokens_and_mobile, revoke_unproven
from backend.auth.sessions import end_sessions
from backend.database import read_engine
from backend.errors import NotFound, TokenRevoked
from backend.identity.errors import InvalidPassword, InvalidToken
from backend.identity.identity import Identity, need_fresh
from backend.models import AccountToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import check_password, hash_secret
from backend.users.access import lock_self


def has_password(user: User) -> bool:
    """Return False for accounts that were created by a one-time code, and for some imported ones."""
    return bool(user.hashed_password)


def confirm_password(user: User, password: str | None) -> None:
    """Check the password of the caller. Raises InvalidPassword. An account without a password passes."""
    if has_password(user) and (password is None or not check_password(password, user.hashed_password)):
        raise InvalidPassword


def locked_user(caller: Identity) -> User:
    """Return the caller's own row, locked. Raises TokenRevoked where its password is no longer the checked one."""
    user = lock_self(caller.user)
    if user.hashed_password != caller.user.hashed_password:
        raise TokenRevoked
    return user


def change_password(caller: Identity, current_password: str | None, new_password: str, *, also_revoke: bool) -> None:
    """Set a new password, and end every other session. An account without a password sets its first one in a fresh session.

    *also_revoke* deletes its API tokens and its number too, which an intruder may have added. Raises InvalidPassword,
    ReauthenticationRequired, and ValidationFailed of a password that is too common.
    """
    if has_password(caller.user):
        confirm_password(caller.user, current_password)
    else:
        need_fresh(caller)
    hashed = hash_new_password("new_password", new_password, *names_of(caller.user))
    user = locked_user(caller)
    user.hashed_password = hashed
    _forget_resets(user.id)
    ended: dict[str, Any] = {
        "sessions": len(end_sessions(UserSession.user_id == user.id, UserSession.id != caller.session_id))
    }
    if also_revoke:
        ended |= revoke_tokens_and_mobile(user)
    record("password.changed", user.id, user_target(user.id), ended)
    mails.notify(user, "password_changed")
    db.session.commit()


def set_password(owner: User, password: str) -> None:
    """Set the password of an account, from the command line, and end all its sessions.

    Raises NotFound, and ValidationFailed of a password that is too common.
    """
    hashed = hash_new_password("password", password, *names_of(owner))
    is_owner = (User.id == owner.id, User.deleted_at.is_(None))
    user = db.session.scalars(select(User).where(*is_owner).with_for_update()).one_or_none()
    if user is None:
        raise NotFound
    user.hashed_password = hashed
    _forget_resets(user.id)
    end_sessions(UserSession.user_id == user.id)
    record("password.changed", None, user_target(user.id), {"by": "command"})
    mails.notify(user, "password_changed")
    db.session.commit()


def request_reset(email: str) -> None:
    """Mail a link to the account with this email, if it exists. The caller's cost is one row either way."""
    mails.enqueue_reset(email)
    db.session.commit()


def reset_password(token: str, password: str) -> None:
    """Set a new password with a mailed token, redeem the token, and end every session of the account.

    Raises InvalidToken, and ValidationFailed of a password that is too common. The mail proves the address. Every other
    credential that was added before the address was first proven is removed: its owner may have created the account under a
    stranger's address.
    """
    owner = find_owner(token, mails.RESET)
    if owner is None:  # spares the cost of a hash
        raise InvalidToken
    hashed = hash_new_password("password", password, *names_of(owner))
    used = use_token(token, mails.RESET)
    user = _lock_owner(used)
    if user is None:
        raise InvalidToken
    user.email_verified_at = user.email_verified_at or utcnow()
    user.hashed_password = hashed
    _forget_resets(user.id)
    ended = {"sessions": len(end_sessions(UserSession.user_id == user.id))}
    ended |= revoke_unproven(user, user.email_verified_at)
    record("password.reset", user.id, user_target(user.id), ended)
    mails.notify(user, "password_changed")
    db.session.commit()


def use_token(token: str, purpose: str) -> AccountToken | None:
    """Return the row of a mailed token, redeemed in the current transaction. Of two simultaneous calls one gets it."""
    statement = update(AccountToken).where(*_is_live(token, purpose)).values(used_at=utcnow())
    return db.session.scalars(statement.returning(AccountToken)).one_or_none()


def find_owner(token: str, purpose: str) -> User | None:
    """Return the owner of a mailed token, detached; None where the token is invalid or the address is another one now. Redeems
    nothing.
    """
    with DbSession(read_engine(db.engine)) as session:
        statement = select(User).join(AccountToken, AccountToken.user_id == User.id)
        can_sign_in = (User.email == AccountToken.email, User.is_active, User.deleted_at.is_(None))
        return session.scalars(statement.where(*_is_live(token, purpose), *can_sign_in)).one_or_none()


def _is_live(token: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    return (
        AccountToken.token == hash_secret(token),
        AccountToken.purpose == purpose,
        AccountToken.used_at.is_(None),
        AccountToken.expires_at > utcnow(),
    )


def _lock_owner(used: AccountToken | None) -> User | None:
    """Return the user to whom the token was mailed, if the address is still theirs."""
    if used is None:
        return None
    owner = (User.id == used.user_id, User.email == used.email, User.is_active, User.deleted_at.is_(None))
    return db.session.scalars(select(User).where(*owner).with_for_update()).one_or_none()


def _forget_resets(user_id: int) -> None:
    db.session.execute(delete(AccountToken).where(AccountToken.user_id == user_id, AccountToken.purpose == mails.RESET))
