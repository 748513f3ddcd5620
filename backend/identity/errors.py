"""What can be wrong with a proof of who somebody is."""

from __future__ import annotations

from backend.errors import ChatError, Conflict, Forbidden, Unauthorized


class InvalidOtp(Unauthorized):
    code = "invalid_otp"
    detail = "The code does not match, was used, or is too old. Ask for a new one."


class TotpRequired(Unauthorized):
    code = "totp_required"
    detail = "This account has a second factor. Send the same again with totp_code."


class InvalidTotp(Unauthorized):
    code = "invalid_totp"
    detail = "The code of the second factor does not match, or was used."


class WrongTotp(Forbidden):
    """Like InvalidTotp, for somebody who is signed in: no client must take it for the end of its session."""

    code = "invalid_totp"
    detail = "The code does not match, or was used."


class InvalidPassword(Forbidden):
    code = "invalid_password"
    detail = "The password is wrong."


class WrongOtp(Forbidden):
    """Like InvalidOtp, for somebody who is signed in."""

    code = "invalid_otp"
    detail = InvalidOtp.detail


class InvalidToken(ChatError):
    status, code = 400, "invalid_token"
    detail = "This link was used, is too old, or never was good. Ask for a new one."


class TotpEnabled(Conflict):
    code = "totp_enabled"
    detail = "This account has a second factor. Switch it off before another is enrolled."


class ReauthenticationRequired(Forbidden):
    code = "reauthentication_required"
    detail = "Confirm who you are with POST /api/auth/confirm, then send this again within 10 minutes."


class SessionRequired(Forbidden):
    detail = "An API token may not change how its account is opened, nor end its sessions. Sign in for that."
