"""`/api/auth`: passwords, and tokens that were mailed."""

from __future__ import annotations

from typing import Any

from backend.auth import devices, passwords, verification
from backend.auth.routes import bp
from backend.auth.schemas import ACCEPTED, RequestAcceptedSchema
from backend.auth.schemas_password import ChangePasswordBody, ForgotPasswordBody, ResetPasswordBody, VerifyEmailBody
from backend.auth.throttle import remember_device
from backend.http.rate_limits import PASSWORD, enforce, limited
from backend.identity.guards import (
    current_identity,
    current_user,
    identity_if_any,
    login_required,
    own_answer,
    session_required,
)
from backend.rate_limiting.limits import RateLimit
from backend.security.hashing import hash_secret
from backend.users.emails import fold_email

FORGOT = RateLimit("forgot-password", "60 per hour")
FORGOT_EMAIL = RateLimit("forgot-password-email", "5 per hour")
MAILED_TOKEN = RateLimit("mailed-token", "60 per minute")
RESEND = RateLimit("resend-verification", "5 per hour")


@bp.post("/forgot-password")
@bp.response(202, RequestAcceptedSchema)
@limited(FORGOT)
@bp.arguments(ForgotPasswordBody)
def forgot_password(body: dict[str, Any]) -> dict[str, str]:
    """Mail a link for a new password, if an account with this email exists. The link is valid for an hour and works once."""
    enforce(FORGOT_EMAIL, hash_secret(fold_email(body["email"]))[:32])
    passwords.request_reset(body["email"])
    return ACCEPTED


@bp.post("/reset-password")
@bp.response(204)
@limited(MAILED_TOKEN)
@bp.arguments(ResetPasswordBody)
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

    Send it with a session of that account, or with its `password`. Otherwise the answer is 401, and the token stays valid.
    """
    caller, owner, password = identity_if_any(), verification.get_owner(body["token"]), body.get("password")
    if password is not None:
        enforce(PASSWORD, str(owner.id))
    verification.verify_email(body["token"], owner, caller, password)


@bp.post("/resend-verification")
@bp.response(202, RequestAcceptedSchema)
@login_required
@own_answer
def resend_verification() -> dict[str, str]:
    """Send the mail that confirms the address again."""
    enforce(RESEND, str(current_user.id))
    verification.resend_verification(current_user)
    return ACCEPTED


@bp.post("/change-password")
@bp.response(204)
@session_required
@bp.arguments(ChangePasswordBody)
def change_password(body: dict[str, Any]) -> None:
    """Change the password

    Every other session ends. `"revoke": true` also deletes the API tokens and the number. An account without a password sets
    its first one without current_password, in a fresh session (403 `reauthentication_required`).
    """
    if body.get("current_password") is not None:
        enforce(PASSWORD, str(current_user.id))
    passwords.change_password(
        current_identity, body.get("current_password"), body["new_password"], also_revoke=body["revoke"]
    )
    remember_device(devices.issue_for_user(current_user.id))
