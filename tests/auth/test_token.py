"""POST /token: the password grant of RFC 6749."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client

Register = Callable[..., dict[str, Any]]
FORM = {"username": EMAIL, "password": PASSWORD}


@pytest.mark.parametrize("name", [EMAIL, "TEST@example.com", "test"])
@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"grant_type": "password"},
        {"scope": "read write", "client_id": "", "client_secret": "s"},
        {"anything": "else"},
    ],
)
def test_the_token_answer(client: Client, register: Register, name: str, extra: dict[str, str]) -> None:
    register()
    response = client.post("/token", data={**FORM, "username": name, **extra})
    answer = response.get_json()
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert answer.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    client.token = answer["access_token"]
    assert client.get("/api/auth/sessions").status_code == 200


def test_a_trailing_slash_changes_nothing(client: Client, register: Register) -> None:
    register()
    headers = [client.post(f"/token{slash}", data=FORM).headers for slash in ("", "/")]
    assert [each["Cache-Control"] for each in headers] == ["no-store", "no-store"]
    assert set(headers[0].keys()) == set(headers[1].keys())


def test_client_credentials_in_a_header_are_ignored(client: Client, register: Register) -> None:
    register()
    response = client.post("/token", data=FORM, headers={"Authorization": "Basic Y2xpZW50OnNlY3JldA=="})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"username": EMAIL, "password": "password124"}, "invalid_grant"),
        ({"username": EMAIL, "password": "x" * 73}, "invalid_grant"),
        ({"username": "nobody", "password": PASSWORD}, "invalid_grant"),
        ({"username": "nobody@example.com", "password": PASSWORD}, "invalid_grant"),
        ({"username": EMAIL}, "invalid_request"),
        ({"password": PASSWORD}, "invalid_request"),
        ({"username": "", "password": PASSWORD}, "invalid_request"),
        ({"username": EMAIL, "password": ""}, "invalid_request"),
        ({}, "invalid_request"),
        ({"username": "\x00", "password": PASSWORD}, "invalid_request"),
        (FORM | {"grant_type": "client_credentials"}, "unsupported_grant_type"),
        (FORM | {"grant_type": ""}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
    ],
)
def test_refusals_have_the_oauth_format(client: Client, register: Register, form: dict[str, str], error: str) -> None:
    register()
    content_type = "application/x-www-form-urlencoded"
    response = client.post("/token", data=form, content_type=content_type)
    answer = response.get_json()
    assert (response.status_code, response.mimetype) == (400, "application/json")
    assert (answer["error"], answer["code"], answer["status"]) == (error, error, 400)
    assert isinstance(answer["error_description"], str)
    assert answer["request_id"] == response.headers["X-Request-ID"]
    assert response.headers["Cache-Control"] == "no-store"


def test_bytes_that_are_not_utf8(client: Client) -> None:
    content_type = "application/x-www-form-urlencoded"
    response = client.post("/token", data=b"username=%ff%fe&password=%ed%a0%80", content_type=content_type)
    assert (response.status_code, response.get_json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
def test_another_content_type(client: Client, content_type: str | None) -> None:
    response = client.post("/token", data=b"{}", content_type=content_type)
    assert (response.status_code, response.mimetype) == (415, "application/problem+json")
    assert response.get_json()["code"] == "unsupported_media_type"


def test_the_document_lets_a_browser_authorise(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").get_json()
    assert document["components"]["securitySchemes"]["password"]["flows"]["password"]["tokenUrl"] == "/token"
    assert "application/x-www-form-urlencoded" in document["paths"]["/token"]["post"]["requestBody"]["content"]
