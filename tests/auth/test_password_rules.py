"""COMMON_PASSWORDS=refuse: common passwords are refused wherever a password is set."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend.auth import password_rules
from backend.security.hashing import hash_password
from tests.auth.conftest import EMAIL
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.servers import ROOT

GOOD = "seven striped herons"


@pytest.fixture
def strict(make_limited: Callable[..., Flask]) -> Flask:
    """The application that refuses common passwords, over the database of `app`."""
    return make_limited(rate_limits=False, refuses_common_passwords=True)


@pytest.fixture
def outgoing(strict: Flask) -> Outgoing:
    return Outgoing(strict)


def faults(response: TestResponse, field: str) -> str:
    assert response.status_code == 422, response.get_data()
    body = response.get_json()
    assert body["code"] == "validation_failed"
    assert list(body["errors"]) == [field]
    reasons: list[str] = body["errors"][field]
    return " ".join(reasons)


NAMES = {"username": "strixaluco", "first_name": "Wilhelmina", "last_name": "Tigerlily"}
COMMON = ["password", "password123", "12345678", "PassWord1", "qwertyuiop"]
OWN = ["long.address@example.com", "Long.Address", "longaddress", "StrixAluco", "wilhelmina", "wilhelmina tigerlily"]


@pytest.mark.parametrize(("password", "why"), [(p, "10,000") for p in COMMON] + [(p, "own name") for p in OWN])
def test_registration(strict: Flask, password: str, why: str) -> None:
    body = {"email": "Long.Address@example.com", **NAMES}
    assert why in faults(Client(strict).post("/api/auth/register", {**body, "password": password}), "password")
    assert Client(strict).post("/api/auth/register", {**body, "password": GOOD}).status_code == 201


def test_it_is_allowed_unless_configured(client: Client) -> None:
    for n, password in enumerate(("password123", "someone1@example.com")):
        answer = client.post("/api/auth/register", {"email": f"someone{n}@example.com", "password": password})
        assert answer.status_code == 201


def test_the_list_has_the_10_000_most_common_passwords() -> None:
    listed = password_rules.common_passwords()
    assert len(listed) == 10_000
    assert {"123456", "password", "iloveyou", "trustno1"} <= listed
    assert len([password for password in listed if len(password) >= 8]) >= 3000
    assert all(password == password.casefold() for password in listed)


def test_a_change(strict: Flask, make: Factory) -> None:
    user = make.user("strixaluco", email=EMAIL, hashed_password=hash_password("password123"))
    own = Client(strict, make.token(user))

    def change(password: str) -> TestResponse:
        body = {"current_password": "password123", "new_password": password}
        return own.post("/api/auth/change-password", body)

    assert "10,000" in faults(change("sunshine"), "new_password")
    assert "own name" in faults(change("strix_aluco"), "new_password")
    assert change(GOOD).status_code == 204
    assert Client(strict).post("/api/auth/login", {"email": EMAIL, "password": GOOD}).status_code == 200


def test_a_present_password_stays_valid(strict: Flask, make: Factory) -> None:
    make.user(email=EMAIL, hashed_password=hash_password("password123"))
    assert Client(strict).post("/api/auth/login", {"email": EMAIL, "password": "password123"}).status_code == 200


def test_a_reset(strict: Flask, make: Factory, outgoing: Outgoing) -> None:
    make.user("strixaluco", email=EMAIL)
    client = Client(strict)
    client.post("/api/auth/forgot-password", {"email": EMAIL})
    token = outgoing.token("reset", EMAIL)

    def reset(password: str, token: str = token) -> TestResponse:
        return client.post("/api/auth/reset-password", {"token": token, "password": password})

    assert "10,000" in faults(reset("sunshine"), "password")
    assert "own name" in faults(reset(EMAIL), "password")
    assert reset("sunshine", "no token").get_json()["code"] == "invalid_token"
    assert reset(GOOD).status_code == 204, "the refusal did not redeem the token"


def test_a_first_password(strict: Flask, outgoing: Outgoing) -> None:
    mobile = "+46701740605"
    client = Client(strict)
    client.post("/api/auth/send-otp", {"mobile": mobile})
    answer = client.post("/api/auth/verify-otp", {"mobile": mobile, "code": outgoing.code(mobile)})
    client.token = answer.get_json()["access_token"]
    assert "10,000" in faults(client.post("/api/auth/change-password", {"new_password": "sunshine"}), "new_password")
    assert client.post("/api/auth/change-password", {"new_password": GOOD}).status_code == 204


def run(app: Flask, password: str, *args: str) -> Any:
    return app.test_cli_runner().invoke(args=["users", *args, "--password-stdin"], input=f"{password}\n")


def test_the_command_line(strict: Flask) -> None:
    for password, why in (("password123", "10,000"), ("rootuser", "own name"), ("root@example.com", "own name")):
        refused = run(strict, password, "create", "root@example.com", "--username", "rootuser")
        assert (refused.exit_code, why in refused.output) == (1, True), refused.output
    assert run(strict, GOOD, "create", "root@example.com", "--username", "rootuser").exit_code == 0
    refused = run(strict, "sunshine", "set-password", "root@example.com")
    assert (refused.exit_code, "The password: This is one of" in refused.output) == (1, True), refused.output
    assert run(strict, "nine grey herons", "set-password", "root@example.com").exit_code == 0


def test_every_new_password_passes_the_rules() -> None:
    """No module hashes a password of an account in another way."""
    callers = []
    for path in sorted((ROOT / "backend").rglob("*.py")):
        names = {node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
        if any(ast.unparse(name).split(".")[-1] == "hash_password" for name in names):
            callers.append(path.name)
    assert callers == ["password_rules.py"]
