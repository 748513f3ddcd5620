"""Changing a password, and getting back in without it. Hashes are made and checked while no transaction is open."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session as DbSession

from backend.audit.log import record, user_target
from backend.auth import mails
from backend.auth.password_rules import hash_new_password, names_of
from backend.auth.sessions import end_sessions
from backend.auth.ways_in import revoke_tokens_and_mobile, revoke_unproven
from backend.database import read_engine
from backend.errors import NotFound, TokenRevoked
from backend.identity.errors import InvalidPassword, InvalidToken
from backend.identity.identity import Identity, need_fresh
from backend.models import AccountToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import check_password, hash_secret
from backend.users.access import lock_self


def has_password(user: User) -> bool:
    """False for accounts made by a one-time code, and for some that were adopted."""
    return bool(user.hashed_password)


def confirm_password(user: User, password: str | None) -> None:
    """Make sure that it is the user who asks. Raises InvalidPassword; an account without a password is asked for none."""
    if has_password(user) and (password is None or not check_password(password, user.hashed_password)):
        raise InvalidPassword


def locked_user(caller: Identity) -> User:
    """The caller's own row, locked, provided that its password is still the one that was checked. Else TokenRevoked."""
    user = lock_self(caller.user)
    if user.hashed_password != caller.user.hashed_password:
        raise TokenRevoked
    return user


def change_password(
    caller: Identity, current_password: str | None, new_password: str, *, also_revoke: bool = False
) -> None:
    """Set a new password, and end every session but this one. An account without a password sets its first in a fresh session.

    With *also_revoke* its API tokens end and its number is taken off: an intruder may have added them. Raises InvalidPassword,
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
    """Set the password of an account, on the command line, and end every session of it.

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
    """Have a link sent to the account with this email. Known or unknown, the caller's cost is one row."""
    mails.put_reset(email)
    db.session.commit()


def reset_password(token: str, password: str) -> None:
    """Set a new password with a mailed token, which is used up, and end every session of the account.

    Raises InvalidToken, and ValidationFailed of a password that is too common. The mail proves the address. Every other way
    in that was set up before the address was first proven ends too: whoever set it up may have made the account under an
    address that is not theirs.
    """
    owner = find_owner(token, mails.RESET)
    if owner is None:  # it is not worth the cost of a hash
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
    """The row of a mailed token, used up in the current transaction. Of two who try at once, one gets it."""
    statement = update(AccountToken).where(*_is_live(token, purpose)).values(used_at=utcnow())
    return db.session.scalars(statement.returning(AccountToken)).one_or_none()


def find_owner(token: str, purpose: str) -> User | None:
    """Whose a mailed token is, detached, as it is now; None where it is no good or the address is another's. Uses nothing up."""
    with DbSession(read_engine(db.engine)) as session:
        statement = select(User).join(AccountToken, AccountToken.user_id == User.id)
        may_enter = (User.email == AccountToken.email, User.is_active, User.deleted_at.is_(None))
        user = session.scalars(statement.where(*_is_live(token, purpose), *may_enter)).one_or_none()
        session.expunge_all()
    return user


def _is_live(token: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    return (
        AccountToken.token == hash_secret(token),
        AccountToken.purpose == purpose,
        AccountToken.used_at.is_(None),
        AccountToken.expires_at > utcnow(),
    )


def _lock_owner(used: AccountToken | None) -> User | None:
    """Whom the token was mailed to, if the address is still theirs."""
    if used is None:
        return None
    owner = (User.id == used.user_id, User.email == used.email, User.is_active, User.deleted_at.is_(None))
    return db.session.scalars(select(User).where(*owner).with_for_update()).one_or_none()


def _forget_resets(user_id: int) -> None:
    db.session.execute(delete(AccountToken).where(AccountToken.user_id == user_id, AccountToken.purpose == mails.RESET))
