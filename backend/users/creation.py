"""Creation of accounts, for every way of registering."""

from __future__ import annotations

import re
import secrets

from sqlalchemy import exc, select, update

from backend.errors import Conflict
from backend.models import Conversation, ConversationEntry, User
from backend.models.base import db
from backend.models.conversation import LOBBY
from backend.users.emails import fold_email
from backend.users.usernames import is_reserved

_UNUSUAL = re.compile(r"[^A-Za-z0-9_.-]+")


class EmailTaken(Conflict):
    code = "email_taken"
    detail = "An account with this email exists. Sign in, or reset its password."


class UsernameTaken(Conflict):
    code = "username_taken"
    detail = "This username is taken. Choose another."


class MobileTaken(Conflict):
    code = "mobile_taken"
    detail = "An account with this number exists."


TAKEN = {"email": EmailTaken, "username": UsernameTaken, "mobile": MobileTaken}


def add_user(
    *,
    username: str | None = None,
    email: str | None = None,
    hashed_password: str | None = None,
    mobile: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    is_superuser: bool = False,
    may_be_reserved: bool = False,
) -> User:
    """Add an account and its inbox row of the lobby to the current transaction. Does not commit.

    Without a username, one is generated. A reserved name counts as taken unless *may_be_reserved*. An account that holds the
    *mobile* unverified loses it. Raises EmailTaken, UsernameTaken, or MobileTaken where another account has verified the number.
    The database decides, so only one of several concurrent callers gets an email or a username.
    """
    user = User(
        email=fold_email(email) if email else None,
        mail_address=email or None,
        hashed_password=hashed_password,
        mobile=mobile,
        first_name=first_name,
        last_name=last_name,
        full_name=" ".join(part for part in (first_name, last_name) if part) or None,
        is_superuser=is_superuser,
    )
    if username and is_reserved(username) and not may_be_reserved:
        raise EmailTaken if _has_account(user.email) else UsernameTaken
    candidates = [username] if username else _made_up(email)
    for candidate in candidates:
        user.username = candidate
        if _try_insert(user, is_last=candidate is candidates[-1]):
            break
    head = select(Conversation.last_seq).where(Conversation.id == LOBBY).scalar_subquery()
    db.session.add(ConversationEntry(user_id=user.id, conversation_id=LOBBY, last_read_seq=head))
    db.session.flush()
    return user


def _made_up(email: str | None) -> list[str]:
    """Usernames to try, the most readable first. The last one is certainly free."""
    local = (email or "").partition("@")[0]
    stem = _UNUSUAL.sub("", local).strip("._-")[:80] or "user"
    tails = [str(secrets.randbelow(10**digits)).zfill(digits) for digits in (2, 4, 6)]
    free = [] if is_reserved(stem) else [stem]
    return [*free, *(stem + tail for tail in tails), f"{stem}-{secrets.token_hex(6)}"]


def _try_insert(user: User, is_last: bool) -> bool:
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except exc.IntegrityError as error:
        column = colliding_column(error)
        if column == "username" and not is_last:
            return False
        if column == "mobile" and user.mobile is not None and release_mobile(user.mobile):
            return _try_insert(user, is_last)
        if column not in TAKEN:
            raise
        # If several are taken, the database reports any of them; the client gets the email first.
        raise (EmailTaken if _has_account(user.email) else TAKEN[column]) from None
    return True


def release_mobile(mobile: str) -> bool:
    """Remove a number from the account that holds it unverified, in the current transaction.

    Returns False, and removes nothing, where an account has verified it.
    """
    unverified = (User.mobile == mobile, User.mobile_verified_at.is_(None))
    db.session.execute(update(User).where(*unverified).values(mobile=None))
    holder = select(User.id).where(User.mobile == mobile, User.mobile_verified_at.is_not(None))
    return db.session.scalar(holder) is None


def _has_account(email: str | None) -> bool:
    return email is not None and db.session.scalar(select(User.id).where(User.email == email)) is not None


def colliding_column(error: exc.IntegrityError) -> str:
    """The column whose uniqueness was violated, by the name of the constraint and not by values in the message."""
    diagnosis = getattr(error.orig, "diag", None)
    reason = str(diagnosis.constraint_name if diagnosis else error.orig)
    reason = reason.removesuffix("_key")  # usernames are unique regardless of case
    return next((column for column in ("email", "mobile", "username") if reason.endswith(column)), "")
