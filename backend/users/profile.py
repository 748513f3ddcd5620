"""What users change of themselves. What they may not (rights, verification, number) no field here can reach."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, exc

from backend.models import AccountToken, User
from backend.models.base import db
from backend.ops.audit import record, user_target
from backend.users.access import lock_self
from backend.users.creation import EmailTaken, UsernameTaken, colliding_column
from backend.users.serialise import user_json

NAMES = ("first_name", "last_name")


def update_profile(user: User, changes: dict[str, Any]) -> dict[str, Any]:
    """Change *user*'s own names, username, bio or email; what is not in *changes* stays.

    A full name that was made of the other two follows them. A new email is unverified, and what was mailed to the old one no
    longer opens anything. Raises UsernameTaken and EmailTaken.
    """
    own = lock_self(user)
    changes = {name: value or None if name != "username" else value for name, value in changes.items()}
    is_made = own.full_name in (None, _joined(own))
    is_moved = "email" in changes and changes["email"] != own.email
    for name, value in changes.items():
        setattr(own, name, value)
    if is_made and "full_name" not in changes and not changes.keys().isdisjoint(NAMES):
        own.full_name = _joined(own)
    if is_moved:
        own.email_verified_at = None
        db.session.execute(delete(AccountToken).where(AccountToken.user_id == own.id))
        record("email.changed", own.id, user_target(own.id))
    _flush()
    answer = user_json(own, own)
    db.session.commit()
    return answer


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
