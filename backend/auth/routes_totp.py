"""`/api/auth`: the second factor, and the confirmation that makes a session fresh."""

from __future__ import annotations

from typing import Any

from backend.auth import confirmation, totp
from backend.auth.routes import bp
from backend.auth.routes_otp import VERIFY_OTP_NUMBER
from backend.auth.schemas_totp import (
    ConfirmSessionBody,
    ConfirmTotpBody,
    EnrolTotpBody,
    TotpProofBody,
    TotpRecoveryCodesSchema,
    TotpSecretSchema,
    TotpStatusSchema,
)
from backend.auth.throttle import count_totp
from backend.http.rate_limits import PASSWORD, address, enforce
from backend.identity.guards import (
    current_identity,
    current_user,
    fresh_session_required,
    login_required,
    session_required,
)


@bp.get("/totp")
@bp.response(200, TotpStatusSchema)
@login_required
def get_totp() -> dict[str, Any]:
    """Show whether the caller has a second factor."""
    return totp.status(current_identity)


@bp.post("/totp")
@bp.response(201, TotpSecretSchema)
@fresh_session_required
@bp.arguments(EnrolTotpBody)
def enrol_totp(body: dict[str, Any]) -> Any:
    """Get a secret to share with an authenticator app. It takes effect when it is confirmed. Needs a fresh session."""
    _count_proof(body)
    return totp.enrol(current_identity, body.get("password"))


@bp.post("/totp/confirm")
@bp.response(200, TotpRecoveryCodesSchema)
@fresh_session_required
@bp.arguments(ConfirmTotpBody)
def confirm_totp(body: dict[str, Any]) -> Any:
    """Switch on the second factor with a code of the app, and get the recovery codes. Needs a fresh session."""
    _count_proof(body)
    return totp.confirm(current_identity, body["totp_code"])


@bp.post("/totp/recovery-codes")
@bp.response(200, TotpRecoveryCodesSchema)
@fresh_session_required
@bp.arguments(TotpProofBody)
def renew_recovery_codes(body: dict[str, Any]) -> Any:
    """Get new recovery codes; the old ones become invalid. Needs a fresh session."""
    _count_proof(body)
    return totp.renew_recovery_codes(current_identity, body.get("password"), body.get("totp_code"))


@bp.delete("/totp")
@bp.response(204)
@fresh_session_required
@bp.arguments(TotpProofBody)
def disable_totp(body: dict[str, Any]) -> None:
    """Switch off the second factor. Needs a fresh session."""
    _count_proof(body)
    totp.switch_off(current_identity, body.get("password"), body.get("totp_code"))


@bp.post("/confirm")
@bp.response(204)
@session_required
@bp.arguments(ConfirmSessionBody)
def confirm_session(body: dict[str, Any]) -> None:
    """Confirm who you are

    It makes this session fresh for 10 minutes, as signing in does. Send the `password`, or a `code` that was sent to the
    verified number, or the `totp_code` of the second factor. With a second factor, `password` and `code` need `totp_code` as
    well. 403 `invalid_password`, `invalid_otp` or `invalid_totp` says which was wrong.
    """
    _count_proof(body)
    if "code" in body and current_user.mobile is not None:
        enforce(VERIFY_OTP_NUMBER, f"{current_user.mobile}:{address()}")
    confirmation.confirm(current_identity, **body)


def _count_proof(body: dict[str, Any]) -> None:
    """Count a try of a signed-in user's password and second factor. Raises RateLimited."""
    if body.get("password") is not None:
        enforce(PASSWORD, str(current_user.id))
    if body.get("totp_code") is not None:
        count_totp(f"confirm:{current_user.id}")
