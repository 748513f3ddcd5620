"""Whether the address of an account is its owner's."""

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


class ProofNeeded(Unauthorized):
    detail = "Sign in to the account that the link was mailed for, or send its password too."


def get_owner(token: str) -> User:
    """Whose address a mailed token confirms. Raises InvalidToken."""
    owner = find_owner(token, mails.VERIFY)
    if owner is None:
        raise InvalidToken
    return owner


def verify_email(token: str, owner: User, caller: Identity | None, password: str | None) -> None:
    """Note that the address of *owner*, whom `get_owner` gave, is verified. The first proof of an address is the one that counts.

    The *caller* has a session of the account, or knows its *password*: an address must not be proven for whoever registered
    it by somebody who merely follows a link. Raises ProofNeeded, which leaves the token good, and InvalidToken.
    """
    is_own = caller is not None and caller.session_id is not None and caller.user.id == owner.id
    if not is_own and not (password and check_password(password, owner.hashed_password)):
        raise ProofNeeded
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
    """Send the mail of the registration again, unless the address is verified or there is none."""
    if user.email is not None and user.email_verified_at is None:
        mails.put_verification(user)
        db.session.commit()
