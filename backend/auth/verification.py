"""Whether the address of an account is its owner's."""

from __future__ import annotations

from sqlalchemy import update

from backend.auth import mails
from backend.auth.errors import InvalidToken
from backend.auth.passwords import use_token
from backend.models import User
from backend.models.base import db, utcnow
from backend.ops.audit import record, user_target


def verify_email(token: str) -> None:
    """Note that the address a token was mailed to is verified. Raises InvalidToken."""
    used = use_token(token, mails.VERIFY)
    if used is None:
        raise InvalidToken
    statement = (
        update(User)
        .where(User.id == used.user_id, User.email == used.email, User.is_active, User.deleted_at.is_(None))
        .values(email_verified_at=utcnow())
        .returning(User.id)
    )
    if db.session.scalar(statement) is None:
        raise InvalidToken
    record("email.verified", used.user_id, user_target(used.user_id))
    db.session.commit()


def resend_verification(user: User) -> None:
    """Send the mail of the registration again, unless the address is verified or there is none."""
    if user.email is not None and user.email_verified_at is None:
        mails.put_verification(user)
        db.session.commit()
