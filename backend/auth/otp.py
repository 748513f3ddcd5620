"""Signing in with a code sent to a telephone number.

Requesting a code reads no account, so it cannot reveal whether one exists.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Any

import phonenumbers
from flask import current_app
from phonenumbers import PhoneNumberType
from sqlalchemy import exc, or_, select, text

from backend.audit.log import record, user_target
from backend.auth import mails
from backend.auth.service import check_registration_open, refuse_login
from backend.auth.sessions import Device, Grant, lock_own_session
from backend.auth.sign_in import complete_sign_in
from backend.errors import TokenRevoked, ValidationFailed
from backend.identity.errors import InvalidOtp, InvalidTotp, TotpRequired
from backend.identity.identity import Identity
from backend.models import OtpCode, User
from backend.models.base import db, insert_on_conflict, utcnow
from backend.outbox.queue import SMS, enqueue
from backend.request_context import network
from backend.security.encryption import keyed_hash
from backend.users.creation import MobileTaken, add_user, release_mobile
from backend.users.serialise import user_json
from config import Config

LIFETIME = timedelta(minutes=5)
TRIES = 5
"""Of each guesser."""

TRIES_OF_OTHERS = 15
"""The tries of all guessers together, without the client that requested the code: three strangers' worth. The requester's own
tries are counted apart.
"""

TEXT = "{code} is your Confab code. It is valid for 5 minutes. Do not share it."
NO_TEXTS = (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN)
"""Kinds of numbers that charge the sender, which would pay an attacker for every text."""


def check_number(mobile: str) -> str:
    """Return the country calling code of a number. Raises ValidationFailed where codes are not sent to such a number."""
    number = phonenumbers.parse(mobile)
    country = str(number.country_code)
    served = current_app.config["CONFAB"].sms_countries
    if (served and country not in served) or phonenumbers.number_type(number) in NO_TEXTS:
        raise ValidationFailed.of("mobile", "No codes are sent to this kind of number.")
    return country


def send_code(mobile: str) -> None:
    """Send a new code to a number. The previous code becomes invalid. With SMS_GATEWAY=off nothing happens."""
    config: Config = current_app.config["CONFAB"]
    if config.sms_gateway == "off":
        return
    code = f"{secrets.randbelow(10**6):06}"
    store_code(mobile, code)
    enqueue(SMS, "otp", {"to": mobile, "text": TEXT.format(code=code)}, lifetime=LIFETIME)
    db.session.commit()


def store_code(mobile: str, code: str) -> None:
    """Store *code* as the valid one of a number. It replaces the previous one, since a number has one unused row."""
    now = utcnow()
    values = {
        "code": _hashed(mobile, code),
        "tries": 0,
        "asked_by": _guesser(),
        "guesses": {},
        "expires_at": now + LIFETIME,
        "updated_at": now,
    }
    statement = insert_on_conflict(OtpCode).values(mobile=mobile, **values)
    live = text("used_at IS NULL")
    db.session.execute(statement.on_conflict_do_update(index_elements=["mobile"], index_where=live, set_=values))


def sign_in(mobile: str, code: str, device: Device, totp_code: str | None = None) -> dict[str, Any]:
    """Redeem a code, and return the token answer of the account that verified the number, or of a new one.

    An account that holds the number unverified loses it. Raises InvalidOtp, MobileTaken, TotpRequired and InvalidTotp, and
    RegistrationClosed instead of a new account.
    """
    row = _try_code(mobile, code)
    try:
        grant = _open(mobile, device, totp_code)
    except TotpRequired:
        db.session.commit()  # commits the try; the code can be used again together with the second factor
        raise
    except InvalidTotp:
        refuse_login(find_holder_id(mobile), "totp")
        raise
    row.used_at = utcnow()
    db.session.commit()
    if grant is None:
        raise InvalidOtp
    return grant.answer()


def verify_number(caller: Identity, mobile: str, code: str) -> dict[str, Any]:
    """Redeem a code, make the number the caller's verified one, and return the user.

    An account that holds it unverified loses it. Raises InvalidOtp, TokenRevoked, and MobileTaken where another account has
    verified it.
    """
    row = _try_code(mobile, code, caller.user.id)
    me = _give_to(caller, mobile)
    lock_own_session(caller)
    row.used_at = utcnow()
    answer = user_json(me, caller.user)
    db.session.commit()
    return answer


def use_code(mobile: str, code: str) -> None:
    """Redeem a code in the current transaction, as proof that the caller has the telephone. Raises InvalidOtp."""
    _try_code(mobile, code).used_at = utcnow()


def redeem_code(mobile: str, code: str) -> bool:
    """Return whether *code* is the valid one of a number. The redemption, or the failed try, counts once the caller commits."""
    row = _match_code(mobile, code)
    if row is not None:
        row.used_at = utcnow()
    return row is not None


def _try_code(mobile: str, code: str, user_id: int | None = None) -> OtpCode:
    """Return the valid code of a number, locked. For a wrong *code* record a failed sign-in of *user_id* or the holder, and
    raise InvalidOtp.
    """
    row = _match_code(mobile, code)
    if row is None:
        refuse_login(user_id or find_holder_id(mobile), "otp")
        raise InvalidOtp
    return row


def find_holder_id(mobile: str) -> int | None:
    """Return the id of the account that signs in with this number, or None."""
    return db.session.scalar(select(User.id).where(User.mobile == mobile, User.mobile_verified_at.is_not(None)))


def _match_code(mobile: str, code: str) -> OtpCode | None:
    """Return the row of a number's valid code, locked, if *code* is right. Each call is a try; after five, a guesser's codes
    are all wrong.
    """
    live = (OtpCode.mobile == mobile, OtpCode.used_at.is_(None), OtpCode.expires_at > utcnow())
    locked = select(OtpCode).where(*live).with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(locked).one_or_none()
    if row is None or not _count_try(row) or not hmac.compare_digest(row.code, _hashed(mobile, code)):
        return None
    return row


def _count_try(row: OtpCode) -> bool:
    """Count a try of the present client. Returns False where it has none left."""
    guesser, guesses = _guesser(), row.guesses or {}
    is_others = guesser != row.asked_by
    if guesses.get(guesser, 0) >= TRIES or (is_others and row.tries >= TRIES_OF_OTHERS):
        return False
    row.guesses = guesses | {guesser: guesses.get(guesser, 0) + 1}
    row.tries += is_others
    return True


def _guesser() -> str:
    return keyed_hash("guesser", network())


def _hashed(mobile: str, code: str) -> str:
    return keyed_hash("otp", f"{mobile}:{code}")


def _open(mobile: str, device: Device, totp_code: str | None) -> Grant | None:
    """Return a session of the account that holds the number, or of a new one; None where the account may not sign in."""
    user = _holder_or_new(mobile)
    if not user.is_active or user.deleted_at is not None:
        return None
    user.last_seen_at = utcnow()
    return complete_sign_in(user, device, totp_code, "otp")


def _holder_or_new(mobile: str) -> User:
    """Return the account that verified a number, locked, or a new account with it."""
    for _ in range(TRIES):
        user = db.session.scalars(select(User).where(User.mobile == mobile).with_for_update()).one_or_none()
        if user is not None and user.mobile_verified_at is not None:
            return user
        check_registration_open()
        try:
            made = add_user(mobile=mobile)
        except MobileTaken:
            continue  # another request verified the number between the two statements
        made.mobile_verified_at = utcnow()
        record("account.created", made.id, user_target(made.id), {"by": "otp"})
        return made
    raise MobileTaken


def _give_to(caller: Identity, mobile: str) -> User:
    either = or_(User.id == caller.user.id, User.mobile == mobile)
    users = db.session.scalars(select(User).where(either).order_by(User.id).with_for_update()).all()
    me = next((user for user in users if user.id == caller.user.id), None)
    if me is None or not me.is_active or me.deleted_at is not None:
        raise TokenRevoked
    if any(user.id != me.id for user in users) and not release_mobile(mobile):
        raise MobileTaken
    if (me.mobile, me.mobile_verified_at is not None) != (mobile, True):
        try:
            with db.session.begin_nested():
                me.mobile, me.mobile_verified_at = mobile, utcnow()
        except exc.IntegrityError:  # another request took the number between the two statements
            raise MobileTaken from None
        record("mobile.verified", me.id, user_target(me.id))
        mails.notify(me, "mobile_changed")
    return me
