"""The mails about an account. A secret in a mail is generated when the mail is sent; the database has only its hash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from backend.audit.log import record, user_target
from backend.models import AccountToken, User
from backend.models.base import db, utcnow
from backend.outbox.mail import Mail
from backend.outbox.queue import MAIL, count_recent, enqueue
from backend.outbox.sender import Composer
from backend.rate_limiting.limits import RateLimit, count
from backend.security.encryption import keyed_hash
from backend.security.hashing import hash_secret, new_secret
from backend.users.emails import fold_email

VERIFY, RESET = "verify_email", "reset_password"
VERIFY_LIFETIME, RESET_LIFETIME = timedelta(days=3), timedelta(hours=1)
NOTICE_LIFETIME = timedelta(days=1)
NOTICES_AN_HOUR = 5
"""The number of mails of one kind to one user, so that an account under a stranger's address cannot flood that address."""

TO_ONE_ADDRESS = {
    VERIFY: (RateLimit("mail-verify", "6 per hour"), RateLimit("mail-verify-day", "12 per day")),
    RESET: (RateLimit("mail-reset", "5 per hour"), RateLimit("mail-reset-day", "20 per day")),
    "notice": (
        RateLimit("mail-notice", "30 per hour"),
    ),  # the sum of the kinds, so that no kind uses up another's share
    "unproven": (RateLimit("mail-unproven", "5 per hour"), RateLimit("mail-unproven-day", "10 per day")),
}
"""The number of mails of a kind that an address gets over all accounts. `unproven`: notices to an unverified address."""

NAMED_BY_CALLERS = ("device",)
"""Facts whose text a caller chose. Mails to an unverified address omit them, so that nobody can send text to strangers."""

_STRANGE = re.compile(r"[^A-Za-z0-9 ._()/;,-]")


def enqueue_verification(user: User) -> None:
    """Mail a link that verifies the address of a user, unless the address got too many lately."""
    if user.email is not None and _may_mail(VERIFY, user.email):
        payload = {"user_id": user.id, "email": user.email}
        enqueue(MAIL, VERIFY, payload, lifetime=NOTICE_LIFETIME, user_id=user.id)


def enqueue_reset(email: str) -> None:
    """Mail a link for a new password to the account with this email, if it exists. The cost is the same either way."""
    if _may_mail(RESET, email):
        enqueue(MAIL, RESET, {"email": email}, lifetime=RESET_LIFETIME)


def notify(user: User, topic: str, **facts: str | None) -> None:
    """Mail a user about a change of the account that may be somebody else's doing. An account without an address gets none."""
    if user.email is None or count_recent(user.id, topic, timedelta(hours=1)) >= NOTICES_AN_HOUR:
        return
    is_proven = user.email_verified_at is not None
    if not _may_mail("notice" if is_proven else "unproven", user.email):
        return
    subject, text = NOTICES[topic]
    known = {name: fact for name, fact in facts.items() if is_proven or name not in NAMED_BY_CALLERS}
    # The name of a device is chosen by the client: only characters that cannot form a link are kept.
    lines = [f"{name.title()}: {_STRANGE.sub('', fact or '')[:100] or 'unknown'}\n" for name, fact in known.items()]
    details = "\n" + "".join(lines) if lines else ""
    body = f"{_greeting(user)}\n\n{text}\n{details}{_NOT_YOU}"
    payload = {"to": user.mail_address or user.email, "subject": subject, "text": body}
    enqueue(MAIL, topic, payload, lifetime=NOTICE_LIFETIME, user_id=user.id)


def _may_mail(kind: str, email: str) -> bool:
    """Count a mail to an address. Returns False where it had enough of this kind; the caller is not told."""
    key = keyed_hash("mail", fold_email(email))[:32]
    usages = [count(limit, key) for limit in TO_ONE_ADDRESS[kind]]
    return not any(usage.is_exceeded for usage in usages)


def _greeting(user: User) -> str:
    """Greet by name only at a verified address, because the user chooses the name."""
    return "Hello," if user.email_verified_at is None else f"Hello {user.username},"


_NOT_YOU = "\nIf this was not you: choose a new password, and check the list of your sessions.\n"
NOTICES = {
    "password_changed": ("Your password was changed", "the password of your account was changed."),
    "new_device": (
        "A sign-in from a new device",
        "somebody signed in to your account on a new device.",
    ),
    "totp_on": (
        "Your second factor is on",
        "a second factor was added to your account: signing in now requires its code.",
    ),
    "totp_off": ("Your second factor is off", "the second factor of your account was switched off."),
    "email_changed": ("Your email was changed", "your account has another email now; this one can no longer sign in."),
    "mobile_changed": ("A number was added", "a telephone number was verified for your account and can sign in to it."),
}


def _verification(payload: dict[str, Any]) -> Mail | None:
    user = db.session.get(User, payload["user_id"])
    if user is None or user.email is None or user.email_verified_at is not None or not _can_sign_in(user):
        return None
    if payload.get("email", user.email) != user.email:
        return None  # the address was changed; another mail verifies the new one
    greeting, email = _greeting(user), user.mail_address or user.email
    link = _link("verify", _new_token(user, VERIFY, VERIFY_LIFETIME))
    text = (
        f"{greeting}\n\nthis link confirms your email address. It is valid for 3 days, and works once:\n\n{link}\n\n"
        "If you did not create an account, do nothing.\n"
    )
    return Mail(email, "Confirm your email address", text)


def _reset(payload: dict[str, Any]) -> Mail | None:
    user = db.session.scalars(select(User).where(User.email == fold_email(payload["email"]))).one_or_none()
    if user is None or user.email is None or not _can_sign_in(user):
        return None
    record("password.reset_requested", None, user_target(user.id))
    greeting, email = _greeting(user), user.mail_address or user.email  # as stored, not as the caller typed it
    link = _link("reset", _new_token(user, RESET, RESET_LIFETIME))
    text = (
        f"{greeting}\n\nthis link sets a new password for your account. It is valid for an hour, and works once:\n\n{link}\n\n"
        "If you did not ask for it, do nothing: your password stays as it is.\n"
    )
    return Mail(email, "Set a new password", text)


def _can_sign_in(user: User) -> bool:
    return user.is_active and user.deleted_at is None


def _new_token(user: User, purpose: str, lifetime: timedelta) -> str:
    token = new_secret()
    row = AccountToken(
        user_id=user.id, purpose=purpose, token=hash_secret(token), email=user.email, expires_at=utcnow() + lifetime
    )
    db.session.add(row)
    db.session.commit()
    return token


def _link(page: str, token: str) -> str:
    """Return a link to a page of the client. Browsers do not send the part after `#`, so no log and no Referer has the token."""
    return f"{current_app.config['CONFAB'].public_url}/#/{page}?token={token}"


COMPOSERS: Mapping[str, Composer] = {VERIFY: _verification, RESET: _reset}
"""Return the composers of the mails that are made when they are sent, by name."""
