"""Pages of other origins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.client import Client

ALLOWED = "https://app.example.com"
IPV6 = "http://[::1]:3000"


@pytest.fixture(scope="module")
def lab_for_pages(make_lab: Callable[..., Client]) -> Client:
    return make_lab({"CORS_ORIGINS": f"{ALLOWED}, {IPV6}"})


@pytest.mark.parametrize("origin", [ALLOWED, IPV6])
@pytest.mark.parametrize("path", ["/api/health", "/api/nothing", "/api/lab/me", "/api/lab/crash"])
def test_an_allowed_origin_may_read_every_answer(lab_for_pages: Client, origin: str, path: str) -> None:
    headers = lab_for_pages.get(path, headers={"Origin": origin}).headers
    assert headers.getlist("Access-Control-Allow-Origin") == [origin]
    assert "Access-Control-Allow-Credentials" not in headers
    assert {"Link", "X-Request-ID", "Retry-After", "Content-Disposition"} <= set(
        headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Origin" in headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://appxexample.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "null",
        "*",
        "http://::1:3000",
    ],
)
def test_another_origin_may_not_read_answers(lab_for_pages: Client, origin: str) -> None:
    headers = lab_for_pages.get("/api/health", headers={"Origin": origin}).headers
    assert not [name for name in dict(headers) if name.startswith("Access-Control")]


def test_a_preflight_is_answered(lab_for_pages: Client) -> None:
    asked = {
        "Origin": ALLOWED,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    response = lab_for_pages.request("OPTIONS", "/api/lab/any", headers=asked)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert response.headers["Access-Control-Max-Age"] == "600"


def test_a_preflight_of_another_origin_is_not_answered(lab_for_pages: Client) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
    headers = lab_for_pages.request("OPTIONS", "/api/lab/any", headers=asked).headers
    assert "Access-Control-Allow-Origin" not in headers


def test_by_default_no_other_origin_is_allowed(lab: Client) -> None:
    assert "Access-Control-Allow-Origin" not in lab.get("/api/health", headers={"Origin": ALLOWED}).headers
