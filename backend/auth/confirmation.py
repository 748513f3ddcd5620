"""Confirming one's identity within a session, which makes the session fresh."""

from __future__ import annotations

from typing import NoReturn

from backend.audit.log import record
from backend.auth.otp import redeem_code
from backend.auth.passwords import locked_user
from backend.auth.sessions import lock_own_session
from backend.auth.totp import check_second_factor
from backend.errors import Forbidden
from backend.identity.errors import InvalidPassword, InvalidTotp, TotpRequired, WrongOtp, WrongTotp
from backend.identity.identity import Identity
from backend.models import User
from backend.models.base import db, utcnow
from backend.security.hashing import check_password


def confirm(
    caller: Identity, password: str | None = None, code: str | None = None, totp_code: str | None = None
) -> None:
    """Make the caller's session fresh. At least one proof is given, and every given proof must be right.

    With a second factor, its *totp_code* is required, and sufficient. Raises InvalidPassword, WrongOtp, WrongTotp, and
    TokenRevoked where the session ended or lost its rights meanwhile.
    """
    user = caller.user
    if password is not None and not check_password(password, user.hashed_password):
        _refuse(caller, "password", InvalidPassword())
    if code is not None and not _is_code_of(user, code):
        db.session.commit()  # commits the try
        _refuse(caller, "otp", WrongOtp())
    locked_user(caller)
    has_factor = _check_factor(caller, totp_code)
    if not has_factor and password is None and code is None:
        _refuse(caller, "totp", WrongTotp("This account has no second factor. Send your password, or a code by text."))
    lock_own_session(caller).authenticated_at = utcnow()
    shown = {"password": password is not None, "otp": code is not None, "totp": has_factor}
    record(
        "session.confirmed", user.id, _target(caller), {"by": [name for name, was_shown in shown.items() if was_shown]}
    )
    db.session.commit()


def _is_code_of(user: User, code: str) -> bool:
    return user.mobile is not None and user.mobile_verified_at is not None and redeem_code(user.mobile, code)


def _check_factor(caller: Identity, totp_code: str | None) -> bool:
    try:
        return check_second_factor(caller.user.id, totp_code)
    except TotpRequired:
        raise WrongTotp("This account has a second factor. Send its code too, as totp_code.") from None
    except InvalidTotp:
        _refuse(caller, "totp", WrongTotp())


def _refuse(caller: Identity, by: str, error: Forbidden) -> NoReturn:
    """Record what was wrong, and raise *error*. A right code by text remains usable."""
    db.session.rollback()
    record("session.confirm_failed", caller.user.id, _target(caller), {"by": by})
    db.session.commit()
    raise error


def _target(caller: Identity) -> str:
    return f"session:{caller.session_id}"
