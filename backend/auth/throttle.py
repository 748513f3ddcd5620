"""Limits on password tries of an account, which do not reveal whether the account exists.

Tries of strangers count under the name as it was typed, for known and unknown names alike; the rest of that limit is shown.
They also count under the account, over all its names, and that count affects only tries with the right password: a visible
limit that two names share would reveal that they belong to one account. Tries from a device that has signed in before count
under the device instead.
"""

from __future__ import annotations

from flask import Response, after_this_request, request

from backend.auth import devices, service
from backend.http.rate_limits import enforce, show
from backend.rate_limiting.limits import RateLimit, count
from backend.security.hashing import hash_secret
from backend.users.emails import fold_email

LOGIN_ACCOUNT = RateLimit("login-account", "10 per minute")
LOGIN_ALL_NAMES = RateLimit("login-all-names", f"{LOGIN_ACCOUNT.amount} per minute")
TOTP = RateLimit("totp", "10 per minute")
TOTP_DAY = RateLimit("totp-day", "100 per day")
"""At 10 codes a minute, an attacker who has the password would find a right one within weeks."""

COOKIE, HEADER = "confab_device", "X-Device-Token"
COOKIE_PATHS = ("/api/auth/login", "/token")
COOKIE_SECONDS = 365 * 86_400


def verify_password(account: service.Account, name: str, password: str) -> None:
    """Check that *password* is that of *account*, which the caller named *name*.

    Raises RateLimited after too many tries, and InvalidCredentials.
    """
    device = recognised_device(account)
    if device is not None:
        enforce(LOGIN_ACCOUNT, f"device:{device}")
        service.verify_password(account, password)
        return
    enforce(LOGIN_ACCOUNT, "name:" + hash_secret(fold_email(name))[:32])
    # Unknown accounts are counted too, so that the duration reveals nothing.
    of_account = count(LOGIN_ALL_NAMES, account.key)
    service.verify_password(account, password)
    if of_account.is_exceeded:
        show(of_account)
        of_account.check()


def count_totp(key: str) -> None:
    """Count a try of a second factor. Raises RateLimited."""
    enforce(TOTP, key)
    enforce(TOTP_DAY, key)


def totp_key(account: service.Account) -> str:
    """Return the key of the tries of a second factor. They count only after the right password, so that strangers cannot use
    them up.
    """
    device = recognised_device(account)
    return f"device:{device}" if device is not None else account.key


def recognised_device(account: service.Account) -> str | None:
    """Return the device of this request, if the account signed in on it before."""
    token = request.headers.get(HEADER) or request.cookies.get(COOKIE)
    return devices.recognise(token, account.user_id, account.hashed_password)


def remember_device(token: str) -> None:
    """Send the device its token with this answer: as a cookie, and as a header for clients without cookies."""

    @after_this_request
    def add(response: Response) -> Response:
        response.headers[HEADER] = token
        for path in COOKIE_PATHS:
            response.set_cookie(
                COOKIE,
                token,
                max_age=COOKIE_SECONDS,
                path=request.script_root + path,
                secure=request.is_secure,
                httponly=True,
                samesite="Lax",
            )
        return response
