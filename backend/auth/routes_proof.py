"""The rest of `/api/auth`: one-time codes, mailed tokens, passwords and second factors."""

from __future__ import annotations

from typing import Any

from backend.auth import confirmation, devices, otp, passwords, totp, verification
from backend.auth.routes import bp, device
from backend.auth.schemas import TokenSchema
from backend.auth.schemas_proof import (
    AcceptedSchema,
    ChangePasswordBody,
    ConfirmBody,
    ForgotBody,
    OtpBody,
    OtpRequestBody,
    PasswordBody,
    PasswordOrCodeBody,
    RecoveryCodesSchema,
    ResetBody,
    TotpConfirmBody,
    TotpSecretSchema,
    TotpStatusSchema,
    VerifyEmailBody,
)
from backend.auth.throttle import count_totp, remember_device
from backend.budgets import Limit, count
from backend.http.rate_limits import PASSWORD, address, limited, take
from backend.identity.authenticate import need_fresh
from backend.identity.guards import (
    current_identity,
    current_user,
    fresh_session_required,
    identity_if_any,
    login_required,
    own_answer,
    session_required,
)
from backend.security.hashing import hash_secret
from backend.users.emails import fold_email

ACCEPTED = {"status": "accepted"}
HOUR, DAY = 3600, 86_400
SEND_OTP = Limit("send-otp", 60, HOUR)
SEND_OTP_NUMBER = (Limit("send-otp-number", 3, HOUR), Limit("send-otp-number-day", 10, DAY))
SEND_OTP_SENDER = Limit("send-otp-sender", 60, HOUR)
SEND_OTP_SENDER_PREFIX = Limit("send-otp-sender-prefix", 20, HOUR)
# These each serve twice: for the first text that an address asks for in an hour, and for those after it.
SEND_OTP_PREFIX = Limit("send-otp-prefix", 50, HOUR)
SEND_OTP_COUNTRY = Limit("send-otp-country", 250, HOUR)
SEND_OTP_ALL = Limit("send-otp-all", 500, HOUR)
VERIFY_OTP = Limit("verify-otp", 60)
VERIFY_OTP_NUMBER = Limit("verify-otp-number", 10)
FORGOT = Limit("forgot-password", 60, HOUR)
FORGOT_EMAIL = Limit("forgot-password-email", 5, HOUR)
MAILED_TOKEN = Limit("mailed-token", 60)
RESEND = Limit("resend-verification", 5, HOUR)


@bp.post("/send-otp")
@bp.response(202, AcceptedSchema)
@limited(SEND_OTP)
@bp.arguments(OtpRequestBody)
def send_otp(body: dict[str, Any]) -> dict[str, str]:
    """Send a code to a telephone number, known or unknown. It is good for 5 minutes and 5 tries, once."""
    mobile = body["mobile"]
    country = otp.check_number(mobile)
    for limit in SEND_OTP_NUMBER:
        take(limit, mobile)
    # Last the budgets that all share: what is refused above uses up nothing of them.
    _take_shared(mobile[:-4], country)
    otp.send_code(mobile)
    return ACCEPTED


def _take_shared(prefix: str, country: str) -> None:
    """Count a text against what all may cause together. Raises RateLimited.

    First texts of an address have budgets of their own, so that a few addresses that ask again and again close nothing to others.
    """
    take(SEND_OTP_SENDER_PREFIX, f"{address()}:{prefix}")
    share = "first" if count(SEND_OTP_SENDER, address()).used == 1 else "more"
    for limit, of in ((SEND_OTP_PREFIX, prefix), (SEND_OTP_COUNTRY, country), (SEND_OTP_ALL, "all")):
        count(limit, f"{share}:{of}").check()


@bp.post("/verify-otp")
@bp.response(200, TokenSchema)
@bp.alt_response(401, "UNAUTHORIZED")
@bp.alt_response(403, "FORBIDDEN")
@limited(VERIFY_OTP)
@bp.arguments(OtpBody)
def verify_otp(body: dict[str, Any]) -> Any:
    """Sign in with a code sent to a number; an unknown number becomes a new account.

    With a bearer token the number is verified for that account instead. That needs a fresh session (403
    `reauthentication_required`), and the answer is `{"user"}` alone.
    """
    mobile, code, caller = body["mobile"], body["code"], identity_if_any()
    if caller is not None:
        need_fresh(caller)
    take(VERIFY_OTP_NUMBER, f"{mobile}:{address()}")
    if caller is not None:
        return {"user": otp.verify_number(caller, mobile, code)}
    answer = otp.sign_in(mobile, code, device(body.get("device_info")), body.get("totp_code"))
    remember_device(devices.issue_for_user(answer["user"]["id"]))
    return answer


@bp.post("/forgot-password")
@bp.response(202, AcceptedSchema)
@limited(FORGOT)
@bp.arguments(ForgotBody)
def forgot_password(body: dict[str, Any]) -> dict[str, str]:
    """Have a link for a new password mailed, if there is an account with this email. It is good for an hour, once."""
    take(FORGOT_EMAIL, hash_secret(fold_email(body["email"]))[:32])
    passwords.request_reset(body["email"])
    return ACCEPTED


@bp.post("/reset-password")
@bp.response(204)
@limited(MAILED_TOKEN)
@bp.arguments(ResetBody)
def reset_password(body: dict[str, Any]) -> None:
    """Set a new password with the token of a mail; every session of the account ends."""
    passwords.reset_password(body["token"], body["password"])


@bp.post("/verify-email")
@bp.response(204)
@bp.alt_response(401, "UNAUTHORIZED")
@bp.alt_response(403, "FORBIDDEN")
@limited(MAILED_TOKEN)
@bp.arguments(VerifyEmailBody)
def verify_email(body: dict[str, Any]) -> None:
    """Confirm an email address with the token of a mail

    Send it with a session of that account, or with its `password`; else the answer is 401 and the token stays good.
    """
    caller, owner, password = identity_if_any(), verification.get_owner(body["token"]), body.get("password")
    if password is not None:
        take(PASSWORD, str(owner.id))
    verification.verify_email(body["token"], owner, caller, password)


@bp.post("/resend-verification")
@bp.response(202, AcceptedSchema)
@login_required
@own_answer
def resend_verification() -> dict[str, str]:
    """Have the mail that confirms the address sent again."""
    take(RESEND, str(current_user.id))
    verification.resend_verification(current_user)
    return ACCEPTED


@bp.post("/change-password")
@bp.response(204)
@session_required
@bp.arguments(ChangePasswordBody)
def change_password(body: dict[str, Any]) -> None:
    """Change the password

    Every other session ends; with `"revoke": true` the API tokens end and the number is taken off, too. An account
    without a password sets its first without current_password, in a fresh session (403 `reauthentication_required`).
    """
    if body.get("current_password") is not None:
        take(PASSWORD, str(current_user.id))
    passwords.change_password(
        current_identity, body.get("current_password"), body["new_password"], also_revoke=body["revoke"]
    )
    remember_device(devices.issue_for_user(current_user.id))


@bp.get("/totp")
@bp.response(200, TotpStatusSchema)
@login_required
def get_totp() -> dict[str, Any]:
    """Whether the caller has a second factor."""
    return totp.status(current_identity)


@bp.post("/totp")
@bp.response(201, TotpSecretSchema)
@fresh_session_required
@bp.arguments(PasswordBody)
def enrol_totp(body: dict[str, Any]) -> Any:
    """Get a secret to share with an authenticator app. It counts once it is confirmed. Needs a fresh session."""
    _count_proof(body)
    return totp.enrol(current_identity, body.get("password"))


@bp.post("/totp/confirm")
@bp.response(200, RecoveryCodesSchema)
@fresh_session_required
@bp.arguments(TotpConfirmBody)
def confirm_totp(body: dict[str, Any]) -> Any:
    """Switch the second factor on with a code of the app, and get the recovery codes. Needs a fresh session."""
    _count_proof(body)
    return totp.confirm(current_identity, body["totp_code"])


@bp.post("/totp/recovery-codes")
@bp.response(200, RecoveryCodesSchema)
@fresh_session_required
@bp.arguments(PasswordOrCodeBody)
def renew_recovery_codes(body: dict[str, Any]) -> Any:
    """Get new recovery codes; the old ones end. Needs a fresh session."""
    _count_proof(body)
    return totp.renew_recovery_codes(current_identity, body.get("password"), body.get("totp_code"))


@bp.delete("/totp")
@bp.response(204)
@fresh_session_required
@bp.arguments(PasswordOrCodeBody)
def disable_totp(body: dict[str, Any]) -> None:
    """Switch the second factor off. Needs a fresh session."""
    _count_proof(body)
    totp.switch_off(current_identity, body.get("password"), body.get("totp_code"))


@bp.post("/confirm")
@bp.response(204)
@session_required
@bp.arguments(ConfirmBody)
def confirm_session(body: dict[str, Any]) -> None:
    """Confirm who you are

    This session is fresh for 10 minutes from then on, as after signing in. Send the `password`, or a `code` that was
    sent to the verified number, or the `totp_code` of the second factor. Where a second factor is on, `password` and
    `code` need `totp_code` beside them. 403 `invalid_password`, `invalid_otp` or `invalid_totp` says which was wrong.
    """
    _count_proof(body)
    if "code" in body and current_user.mobile is not None:
        take(VERIFY_OTP_NUMBER, f"{current_user.mobile}:{address()}")
    confirmation.confirm(current_identity, **body)


def _count_proof(body: dict[str, Any]) -> None:
    """Count what is sent of a signed-in user's password and second factor as a try. Raises RateLimited."""
    if body.get("password") is not None:
        take(PASSWORD, str(current_user.id))
    if body.get("totp_code") is not None:
        count_totp(f"confirm:{current_user.id}")
