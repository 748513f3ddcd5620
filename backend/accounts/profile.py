"""Changes of one's own profile. Rights, verification and number cannot be changed here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, exc

from backend.audit.log import record, user_target
from backend.auth import mails
from backend.auth.passwords import confirm_password, locked_user
from backend.identity.identity import Identity, need_fresh
from backend.models import AccountToken, User
from backend.models.base import db
from backend.users.access import lock_self
from backend.users.creation import EmailTaken, UsernameTaken, colliding_column
from backend.users.emails import fold_email
from backend.users.serialise import user_json
from backend.users.usernames import is_reserved

NAMES = ("first_name", "last_name")


def update_profile(
    caller: Identity, changes: dict[str, Any], email: str | None = None, password: str | None = None
) -> dict[str, Any]:
    """Change the caller's own names, username, bio or email. Fields that are not in *changes* stay.

    A full name that consists of first and last name follows them. A new *email* or username needs a fresh session, because one
    can sign in with it; a *password* is not needed. A new email is unverified, and the old address gets a mail. Raises
    ReauthenticationRequired, InvalidPassword for a wrong password, UsernameTaken and EmailTaken.
    """
    moves = email is not None and email != (caller.user.mail_address or caller.user.email)
    if moves or changes.get("username", caller.user.username) != caller.user.username:
        need_fresh(caller)
    if password is not None:
        confirm_password(caller.user, password)
    own = locked_user(caller) if moves else lock_self(caller.user)
    if changes.get("username", own.username) != own.username and is_reserved(changes["username"]):
        raise UsernameTaken
    is_made = own.full_name in (None, _joined(own))
    for name, value in changes.items():
        setattr(own, name, value or None)
    if is_made and "full_name" not in changes and not changes.keys().isdisjoint(NAMES):
        own.full_name = _joined(own)
    moves = moves and email != (own.mail_address or own.email)
    if email is not None and moves:
        _move(own, email)
    _flush()
    if moves:
        mails.enqueue_verification(
            own
        )  # at the end, so that no mail is counted for an address that turns out to be taken
    answer = user_json(own, caller.user)
    db.session.commit()
    return answer


def _move(own: User, email: str) -> None:
    """Set the email of the account. Links that were mailed to the old address become invalid."""
    db.session.execute(delete(AccountToken).where(AccountToken.user_id == own.id))
    with db.session.no_autoflush:
        mails.notify(own, "email_changed")
        own.email, own.mail_address, own.email_verified_at = fold_email(email), email, None
        record("email.changed", own.id, user_target(own.id))


def _joined(user: User) -> str | None:
    return " ".join(part for part in (user.first_name, user.last_name) if part) or None


def _flush() -> None:
    try:
        db.session.flush()
    except exc.IntegrityError as error:
        db.session.rollback()
        column = colliding_column(error)
        if column == "email":
            raise EmailTaken from None
        if column == "username":
            raise UsernameTaken from None
        raise
