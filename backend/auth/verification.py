"""Verification of the email address of an account."""

from __future__ import annotations

from sqlalchemy import func, update

from backend.audit.log import record, user_target
from backend.auth import mails
from backend.auth.passwords import find_owner, use_token
from backend.errors import Unauthorized
from backend.identity.errors import InvalidToken
from backend.identity.identity import Identity
from backend.models import User
from backend.models.base import db, utcnow
from backend.security.hashing import check_password

WRONG_PASSWORD = "This is not the password of the account to which the link was mailed."


class ProofNeeded(Unauthorized):
    detail = "Sign in to the account to which the link was mailed, or send its password too."


def get_owner(token: str) -> User:
    """Return the user whose address a mailed token verifies. Raises InvalidToken."""
    owner = find_owner(token, mails.VERIFY)
    if owner is None:
        raise InvalidToken
    return owner


def verify_email(token: str, owner: User, caller: Identity | None, password: str | None) -> None:
    """Record that the address of *owner*, as `get_owner` returned it, is verified. The time of the first proof is kept.

    The *caller* has a session of the account, or knows its *password*. Otherwise a stranger who follows a link would verify the
    address for whoever registered it. Raises ProofNeeded, which leaves the token valid, and InvalidToken.
    """
    is_own = caller is not None and caller.session_id is not None and caller.user.id == owner.id
    if not is_own and not (password and check_password(password, owner.hashed_password)):
        raise ProofNeeded(WRONG_PASSWORD if password else None)
    used = use_token(token, mails.VERIFY)
    if used is None:
        raise InvalidToken
    statement = (
        update(User)
        .where(User.id == used.user_id, User.email == used.email, User.is_active, User.deleted_at.is_(None))
        .values(email_verified_at=func.coalesce(User.email_verified_at, utcnow()))
        .returning(User.id)
    )
    if db.session.scalar(statement) is None:
        raise InvalidToken
    record("email.verified", used.user_id, user_target(used.user_id))
    db.session.commit()


def resend_verification(user: User) -> None:
    """Send the verification mail again, unless the address is verified or there is none."""
    if user.email is not None and user.email_verified_at is None:
        mails.enqueue_verification(user)
        db.session.commit()
