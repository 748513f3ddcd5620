"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes if the app is lost."""

from __future__ import annotations

import base64
import hmac
import logging
import re
import secrets
import time
from typing import Any

import pyotp
import segno
from sqlalchemy import delete, func, select, update

from backend.audit.log import record, user_target
from backend.auth import mails
from backend.auth.passwords import confirm_password, locked_user
from backend.auth.sessions import make_others_stale
from backend.errors import NotFound
from backend.identity.errors import InvalidTotp, TotpEnabled, TotpRequired, WrongTotp
from backend.identity.identity import Identity
from backend.models import RecoveryCode, TotpFactor, User
from backend.models.base import db, utcnow
from backend.security.encryption import DecryptionError, decrypt, encrypt, keyed_hash

log = logging.getLogger("confab.auth")

PURPOSE = "totp"
STEP_SECONDS = 30
DRIFT = (0, -1, 1)
"""The clock of the app may deviate by one step in either direction."""

RECOVERY_CODES = 10
ISSUER = "Confab"


def check_second_factor(user_id: int, code: str | None) -> bool:
    """Redeem *code* as the second factor of a user, in the current transaction. A user without a second factor needs none.

    Returns whether the user has one. Raises TotpRequired and InvalidTotp.
    """
    factor = _lock_factor(user_id)
    if factor is None or factor.confirmed_at is None:
        return False
    if code is None:
        raise TotpRequired
    if not _accept(factor, code):
        raise InvalidTotp
    return True


def status(caller: Identity) -> dict[str, Any]:
    """Return whether the caller has a second factor, and how many recovery codes are left."""
    user_id = caller.user.id
    confirmed = db.session.scalar(select(TotpFactor.confirmed_at).where(TotpFactor.user_id == user_id))
    left = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return {
        "is_enabled": confirmed is not None,
        "confirmed_at": confirmed,
        "recovery_codes_left": db.session.scalar(left) or 0,
    }


def enrol(caller: Identity, password: str | None) -> dict[str, Any]:
    """Create a secret to share with an app; it takes effect with `confirm`. It replaces an unconfirmed one.

    A *password* is optional. Raises InvalidPassword where it is given and wrong, and TotpEnabled.
    """
    if password is not None:
        confirm_password(caller.user, password)
    secret = pyotp.random_base32()
    user = locked_user(caller)
    factor = _lock_factor(user.id)
    if factor is None:
        factor = TotpFactor(user_id=user.id)
        db.session.add(factor)
    elif factor.confirmed_at is not None:
        raise TotpEnabled
    factor.secret, factor.last_step = encrypt(PURPOSE, secret), None
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email or user.mobile or user.username, issuer_name=ISSUER)
    db.session.commit()
    return {"secret": secret, "uri": uri, "qr_code": segno.make_qr(uri).svg_data_uri(scale=4)}


def confirm(caller: Identity, code: str) -> dict[str, Any]:
    """Switch on the enrolled factor with one of its codes, and return the recovery codes, which cannot be read again.

    The other sessions become stale, because none of them has shown the factor. Raises NotFound where none was enrolled,
    TotpEnabled where it is on, and WrongTotp.
    """
    user = locked_user(caller)
    factor = _lock_factor(user.id)
    if factor is None:
        raise NotFound
    if factor.confirmed_at is not None:
        raise TotpEnabled
    if not _accept_totp(factor, code):
        raise WrongTotp
    factor.confirmed_at = utcnow()
    codes = _new_recovery_codes(user.id)
    make_others_stale(caller)
    record("totp.enabled", user.id, user_target(user.id))
    mails.notify(user, "totp_on")
    db.session.commit()
    return {"recovery_codes": codes}


def renew_recovery_codes(caller: Identity, password: str | None, code: str | None) -> dict[str, Any]:
    """Replace all recovery codes. Raises what `switch_off` raises."""
    user = _locked_after_proof(caller, password, code)
    codes = _new_recovery_codes(user.id)
    db.session.commit()
    return {"recovery_codes": codes}


def switch_off(caller: Identity, password: str | None, code: str | None) -> None:
    """Remove the second factor. *password* and *code* are optional, but must be right if they are given.

    Raises NotFound where there is none, InvalidPassword and WrongTotp.
    """
    user = _locked_after_proof(caller, password, code)
    remove_factor(user.id)
    record("totp.disabled", user.id, user_target(user.id))
    mails.notify(user, "totp_off")
    db.session.commit()


def remove_factor(user_id: int) -> None:
    """Delete a user's second factor, in the current transaction."""
    db.session.execute(delete(TotpFactor).where(TotpFactor.user_id == user_id))
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def _locked_after_proof(caller: Identity, password: str | None, code: str | None) -> User:
    if password is not None:
        confirm_password(caller.user, password)
    user = locked_user(caller)
    factor = _lock_factor(user.id)
    if factor is None or factor.confirmed_at is None:
        raise NotFound
    if code is not None and not _accept(factor, code):
        raise WrongTotp
    return user


def _lock_factor(user_id: int) -> TotpFactor | None:
    statement = select(TotpFactor).where(TotpFactor.user_id == user_id).with_for_update()
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _accept(factor: TotpFactor, code: str) -> bool:
    return _accept_totp(factor, code) or _accept_recovery(factor.user_id, code)


def _accept_totp(factor: TotpFactor, code: str) -> bool:
    """Return whether *code* is valid now and was not used. From then on it and all earlier codes are used."""
    digits = re.sub(r"[\s-]", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits, re.ASCII):
        return False
    try:
        totp = pyotp.TOTP(decrypt(PURPOSE, factor.secret))
    except DecryptionError:
        log.error("the second factor of user %d was encrypted with another SECRET_KEY", factor.user_id)
        return False
    now = int(time.time()) // STEP_SECONDS
    for step in (now + drift for drift in DRIFT):
        is_fresh = factor.last_step is None or step > factor.last_step
        if hmac.compare_digest(totp.generate_otp(step), digits) and is_fresh:
            factor.last_step = step
            db.session.flush()
            return True
    return False


def _accept_recovery(user_id: int, code: str) -> bool:
    plain = re.sub(r"[\s-]", "", code).lower()
    statement = (
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code == _hashed(user_id, plain))
        .where(RecoveryCode.used_at.is_(None))
        .values(used_at=utcnow())
        .returning(RecoveryCode.id)
    )
    if db.session.scalar(statement) is None:
        return False
    record("totp.recovery_used", user_id, user_target(user_id))
    return True


def _new_recovery_codes(user_id: int) -> list[str]:
    """Return ten codes of 120 bits each, in base 32, in groups of four characters."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [base64.b32encode(secrets.token_bytes(15)).decode().lower() for _ in range(RECOVERY_CODES)]
    db.session.add_all([RecoveryCode(user_id=user_id, code=_hashed(user_id, code)) for code in codes])
    return ["-".join(code[i : i + 4] for i in range(0, 24, 4)) for code in codes]


def _hashed(user_id: int, code: str) -> str:
    return keyed_hash("recovery", f"{user_id}:{code}")
