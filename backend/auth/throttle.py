"""How often the password of an account is tried, counted so that no answer tells whether the account exists.

Strangers' tries count under the name as it was typed, for known and unknown names alike; what is left of that is shown. They
count under the account too, over all its names, and that count shows after the right password alone: a limit that two names
share would tell that they are one account's. Tries from a device that signed in before count under the device instead.
"""

from __future__ import annotations

from flask import Response, after_this_request, request

from backend.auth import devices, service
from backend.budgets import Limit, count
from backend.http.rate_limits import show, take
from backend.security.hashing import hash_secret
from backend.users.emails import fold_email

LOGIN_ACCOUNT = Limit("login-account", 10)
LOGIN_ALL_NAMES = Limit("login-all-names", LOGIN_ACCOUNT.amount)
TOTP = Limit("totp", 10)
TOTP_DAY = Limit("totp-day", 100, 86_400)
"""Whoever has the password and guesses codes at 10 a minute would be in within weeks."""

COOKIE, HEADER = "confab_device", "X-Device-Token"
COOKIE_PATHS = ("/api/auth/login", "/token")
COOKIE_SECONDS = 365 * 86_400


def verify_password(account: service.Account, name: str, password: str) -> None:
    """Make sure that *password* is that of *account*, which the caller called *name*.

    Raises RateLimited after too many tries, and InvalidCredentials.
    """
    device = recognised_device(account)
    if device is not None:
        take(LOGIN_ACCOUNT, f"device:{device}")
        service.verify_password(account, password)
        return
    take(LOGIN_ACCOUNT, "name:" + hash_secret(fold_email(name))[:32])
    # Counted for unknown accounts too, so that the time tells nothing either.
    of_account = count(LOGIN_ALL_NAMES, account.key)
    service.verify_password(account, password)
    if of_account.is_over:
        show(of_account)
        of_account.check()


def count_totp(key: str) -> None:
    """Count a try of a second factor. Raises RateLimited."""
    take(TOTP, key)
    take(TOTP_DAY, key)


def totp_key(account: service.Account) -> str:
    """Whose tries of a second factor these are. Counted once the password was right, or strangers could use them up."""
    device = recognised_device(account)
    return f"device:{device}" if device is not None else account.key


def recognised_device(account: service.Account) -> str | None:
    """The device of this request, if the account was signed in to on it before."""
    token = request.headers.get(HEADER) or request.cookies.get(COOKIE)
    return devices.recognise(token, account.user_id, account.hashed_password)


def remember_device(token: str) -> None:
    """Give the device its token with this answer: as a cookie, and as a header for clients that keep no cookies."""

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
