"""Errors of authentication."""

from __future__ import annotations

from backend.errors import ChatError, Conflict, Forbidden, Unauthorized


class InvalidOtp(Unauthorized):
    code = "invalid_otp"
    detail = "This code is wrong, was used before, or has expired. Request a new one."


class TotpRequired(Unauthorized):
    code = "totp_required"
    detail = "This account has a second factor. Send the same request again with totp_code."


class InvalidTotp(Unauthorized):
    code = "invalid_totp"
    detail = "The code of the second factor is wrong, or was used before."


class WrongTotp(Forbidden):
    """Like InvalidTotp, for a signed-in user: 403 instead of 401, so that no client takes it for the end of its session."""

    code = "invalid_totp"
    detail = "The code is wrong, or was used before."


class InvalidPassword(Forbidden):
    code = "invalid_password"
    detail = "The password is wrong."


class WrongOtp(Forbidden):
    """Like InvalidOtp, for a signed-in user."""

    code = "invalid_otp"
    detail = InvalidOtp.detail


class InvalidToken(ChatError):
    status, code = 400, "invalid_token"
    detail = "This link is invalid or has expired. Request a new one."


class TotpEnabled(Conflict):
    code = "totp_enabled"
    detail = "This account has a second factor. Switch it off before you enrol another."


class ReauthenticationRequired(Forbidden):
    code = "reauthentication_required"
    detail = "Confirm who you are with POST /api/auth/confirm, then send this request again within 10 minutes."


class SessionRequired(Forbidden):
    detail = "An API token may not change how its account signs in, nor end its sessions. Sign in to do that."
