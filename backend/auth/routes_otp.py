"""`/api/auth`: one-time codes by text."""

from __future__ import annotations

from typing import Any

from backend.auth import devices, otp
from backend.auth.refusals import log_refused_sign_in
from backend.auth.routes import bp, device
from backend.auth.schemas import ACCEPTED, OtpAnswerSchema, RequestAcceptedSchema
from backend.auth.schemas_otp import OtpRequestBody, OtpVerificationBody
from backend.auth.throttle import remember_device
from backend.http.rate_limits import address, enforce, limited
from backend.identity.guards import identity_if_any
from backend.identity.identity import need_fresh
from backend.rate_limiting.limits import RateLimit, count

SEND_OTP = RateLimit("send-otp", "60 per hour")
SEND_OTP_NUMBER = (RateLimit("send-otp-number", "3 per hour"), RateLimit("send-otp-number-day", "10 per day"))
SEND_OTP_SENDER = RateLimit("send-otp-sender", "60 per hour")
SEND_OTP_SENDER_PREFIX = RateLimit("send-otp-sender-prefix", "20 per hour")
# Each of these applies twice: to the first text that an address requests in an hour, and to its further texts.
SEND_OTP_PREFIX = RateLimit("send-otp-prefix", "50 per hour")
SEND_OTP_COUNTRY = RateLimit("send-otp-country", "250 per hour")
SEND_OTP_ALL = RateLimit("send-otp-all", "500 per hour")
VERIFY_OTP = RateLimit("verify-otp", "60 per minute")
VERIFY_OTP_NUMBER = RateLimit("verify-otp-number", "10 per minute")


@bp.post("/send-otp")
@bp.response(202, RequestAcceptedSchema)
@limited(SEND_OTP)
@bp.arguments(OtpRequestBody)
def send_otp(body: dict[str, Any]) -> dict[str, str]:
    """Send a code to a telephone number, known or unknown. It is valid for 5 minutes and 5 tries, and works once."""
    mobile = body["mobile"]
    country = otp.check_number(mobile)
    for limit in SEND_OTP_NUMBER:
        enforce(limit, mobile)
    # Shared limits come last, so that a refused request uses up none of them.
    _enforce_shared(mobile[:-4], country)
    otp.send_code(mobile)
    return ACCEPTED


def _enforce_shared(prefix: str, country: str) -> None:
    """Count a text against the limits that all clients share. Raises RateLimited.

    The first text of an address has limits of its own, so that a few addresses with many requests lock nobody else out.
    """
    enforce(SEND_OTP_SENDER_PREFIX, f"{address()}:{prefix}")
    share = "first" if count(SEND_OTP_SENDER, address()).used == 1 else "more"
    for limit, of in ((SEND_OTP_PREFIX, prefix), (SEND_OTP_COUNTRY, country), (SEND_OTP_ALL, "all")):
        count(limit, f"{share}:{of}").check()


@bp.post("/verify-otp")
@bp.response(200, OtpAnswerSchema)
@bp.alt_response(401, "UNAUTHORIZED")
@bp.alt_response(403, "FORBIDDEN")
@limited(VERIFY_OTP)
@bp.arguments(OtpVerificationBody)
def verify_otp(body: dict[str, Any]) -> Any:
    """Sign in with a code sent to a number; an unknown number becomes a new account.

    With REGISTRATION=invite or closed there is no new account (403 `registration_closed`).

    With a bearer token the number is verified for that account instead. That needs a fresh session (403
    `reauthentication_required`), and the answer is `{"user"}` alone.
    """
    mobile, code, caller = body["mobile"], body["code"], identity_if_any()
    if caller is not None:
        need_fresh(caller)
    if caller is not None:
        enforce(VERIFY_OTP_NUMBER, f"{mobile}:{address()}")
        return {"user": otp.verify_number(caller, mobile, code)}
    with log_refused_sign_in("otp", lambda: otp.find_holder_id(mobile)):
        enforce(VERIFY_OTP_NUMBER, f"{mobile}:{address()}")
        answer = otp.sign_in(mobile, code, device(body.get("device_info")), body.get("totp_code"))
    remember_device(devices.issue_for_user(answer["user"]["id"]))
    return answer
