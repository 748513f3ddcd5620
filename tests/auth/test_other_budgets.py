"""Who uses up a limit of their own takes nothing from another user, and no limit takes from another limit."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend.models import User
from backend.models.base import utcnow
from backend.rate_limiting.limits import RateLimit
from backend.security.hashing import hash_password
from tests.auth.conftest import PASSWORD
from tests.client import Client
from tests.factories import Factory

WRONG, TAKEN = "wrong password", "taken@example.com"
Body = Callable[[User], dict[str, Any]]

OF_USERS: dict[str, tuple[str, str, str, dict[str, Any] | None]] = {
    "calls": ("backend.http.rate_limits:DEFAULT", "GET", "/api/users/me", None),
    "password": (
        "backend.auth.routes_password:PASSWORD",
        "POST",
        "/api/auth/change-password",
        {"current_password": WRONG, "new_password": "another password"},
    ),
    "resend": ("backend.auth.routes_password:RESEND", "POST", "/api/auth/resend-verification", None),
    "password-of-totp": ("backend.auth.routes_totp:PASSWORD", "POST", "/api/auth/totp", {"password": WRONG}),
    "totp": ("backend.auth.throttle:TOTP", "POST", "/api/auth/confirm", {"totp_code": "000000"}),
    "totp-day": ("backend.auth.throttle:TOTP_DAY", "POST", "/api/auth/confirm", {"totp_code": "000000"}),
    "erasure": ("backend.accounts.routes:PASSWORD", "DELETE", "/api/users/me", {"password": WRONG}),
    "password-of-email": (
        "backend.accounts.routes:PASSWORD",
        "PATCH",
        "/api/users/me",
        {"email": TAKEN, "password": WRONG},
    ),
    "email": ("backend.accounts.routes:EMAIL_CHANGE", "PATCH", "/api/users/me", {"email": TAKEN}),
    "export": ("backend.accounts.routes:EXPORT", "GET", "/api/users/me/export", None),
    "create-room": ("backend.rooms.routes:CREATE", "POST", "/api/rooms", {"name": "room"}),
    "add-member": ("backend.rooms.routes:ADD", "PUT", "/api/rooms/1/members/1", None),
    "transfer-room": ("backend.rooms.routes:TRANSFER", "POST", "/api/rooms/1/transfer", {"user_id": 1}),
    "invite": ("backend.rooms.routes_invites:INVITE", "POST", "/api/rooms/1/invites", None),
    "report": ("backend.moderation.routes:REPORT", "POST", "/api/chat/messages/1/report", {"reason": "rude"}),
}

OF_ACCOUNTS: dict[str, tuple[str, str, Body]] = {
    "login": (
        "backend.auth.throttle:LOGIN_ACCOUNT",
        "/api/auth/login",
        lambda user: {"email": user.email, "password": WRONG},
    ),
    "login-all-names": (
        "backend.auth.throttle:LOGIN_ALL_NAMES",
        "/api/auth/login",
        lambda user: {"email": user.email, "password": PASSWORD},
    ),
    "totp": (
        "backend.auth.throttle:TOTP",
        "/api/auth/login",
        lambda user: {"email": user.email, "password": PASSWORD, "totp_code": "000000"},
    ),
    "link": (
        "backend.auth.routes_password:FORGOT_EMAIL",
        "/api/auth/forgot-password",
        lambda user: {"email": user.email},
    ),
    "code": (
        "backend.auth.routes_otp:VERIFY_OTP_NUMBER",
        "/api/auth/verify-otp",
        lambda user: {"mobile": user.mobile, "code": "000000"},
    ),
}


def once(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Let a limit allow one call."""
    module, name = target.split(":")
    limit: RateLimit = getattr(import_module(module), name)
    monkeypatch.setattr(f"{module}.{name}", RateLimit(limit.name, "1 per minute"))


def assert_own(call: Callable[[int], TestResponse]) -> None:
    """*call* is made for the first user twice, which is one call too many, and then for the second user."""
    statuses = [call(user).status_code for user in (0, 0, 1)]
    assert [status == 429 for status in statuses] == [False, True, False], statuses


@pytest.mark.parametrize(("target", "method", "path", "body"), OF_USERS.values(), ids=OF_USERS)
def test_a_limit_counts_each_user(
    limited_app: Flask,
    make: Factory,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    method: str,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    clients = [Client(limited_app, make.token(make.user(hashed_password=hash_password(PASSWORD)))) for _ in range(2)]
    make.user(email=TAKEN)
    once(monkeypatch, target)
    assert_own(lambda user: clients[user].request(method, path, body))


@pytest.mark.parametrize(("target", "path", "body"), OF_ACCOUNTS.values(), ids=OF_ACCOUNTS)
def test_a_limit_counts_each_account_that_is_named(
    limited_app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, target: str, path: str, body: Body
) -> None:
    mobiles = ("+46701740605", "+46701740606")
    fields = {"hashed_password": hash_password(PASSWORD), "mobile_verified_at": utcnow()}
    users = [make.user(mobile=mobile, **fields) for mobile in mobiles]
    once(monkeypatch, target)
    assert_own(lambda user: Client(limited_app).post(path, body(users[user])))


def test_limits_of_equal_size_count_apart(limited_app: Flask, make: Factory) -> None:
    """Five mails of verification an hour, and five changes of the email."""
    client = Client(limited_app, make.token(make.user()))
    sent = [client.post("/api/auth/resend-verification").status_code for _ in range(6)]
    assert sent == [202] * 5 + [429]
    assert client.patch("/api/users/me", {"email": "new@example.com"}).status_code == 200
