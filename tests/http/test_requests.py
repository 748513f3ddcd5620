"""Headers of all answers, and addresses."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from tests.client import Client

ANSWERS = [
    ("GET", "/api/health"),
    ("HEAD", "/api/health"),
    ("OPTIONS", "/api/health"),
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/static/docs.css"),
    ("GET", "/api/nothing"),
    ("POST", "/api/health"),
    ("GET", "/api/lab/me"),
    ("POST", "/api/lab/echo"),
    ("GET", "/api/lab/crash"),
    ("DELETE", "/api/lab/gone"),
    ("GET", "/api/lab/names/%00"),
]


@pytest.mark.parametrize(("method", "path"), ANSWERS)
def test_every_answer_has_a_request_id(lab: Client, method: str, path: str) -> None:
    made = lab.request(method, path).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{16}", made)
    response = lab.request(method, path, headers={"X-Request-ID": "caller-1.2_3"})
    assert response.headers.getlist("X-Request-ID") == ["caller-1.2_3"]
    if response.mimetype == "application/problem+json" and method != "HEAD":
        assert response.json["request_id"] == "caller-1.2_3"


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a/b", "é", "a;b", "<script>", "１"])
def test_an_invalid_request_id_is_replaced(lab: Client, given: str) -> None:
    found = lab.get("/api/health", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{16}", found)


def test_request_ids_differ(lab: Client) -> None:
    assert len({lab.get("/api/health").headers["X-Request-ID"] for _ in range(20)}) == 20


@pytest.mark.parametrize("given", ["a", "a" * 64])
def test_a_valid_request_id_is_kept(lab: Client, given: str) -> None:
    assert lab.get("/api/health", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize(("method", "path"), ANSWERS)
def test_every_answer_has_the_security_headers(lab: Client, method: str, path: str) -> None:
    headers = lab.request(method, path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    own = "'self'" if path == "/docs" else "'none'"
    assert policy.startswith(f"default-src {own}") or method == "OPTIONS"
    if path.startswith("/api/"):
        assert headers["Cache-Control"] == "no-store"


def test_strict_transport_security_is_only_sent_over_https(make_app: Callable[..., Flask]) -> None:
    client = Client(make_app(trusted_proxies=1))
    assert "Strict-Transport-Security" not in client.get("/api/health").headers
    secure = client.get("/api/health", headers={"X-Forwarded-Proto": "https"})
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_forwarded_headers_of_clients_are_ignored(lab: Client) -> None:
    response = lab.get("/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    assert "Strict-Transport-Security" not in response.headers
    assert "evil.example" not in response.text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_trailing_slash_never_matters(lab: Client, method: str) -> None:
    for path in ("/api/lab/any", "/api/lab/any/"):
        response = lab.request(method, path)
        assert (response.status_code, response.json) == (200, method)


def test_every_route_accepts_a_trailing_slash(sqlite_app: Flask) -> None:
    for rule in sqlite_app.url_map.iter_rules():
        if "<" not in rule.rule:
            response = Client(sqlite_app).request("OPTIONS", rule.rule.rstrip("/") + "/")
            assert response.status_code == 200, rule.rule


def test_head_is_get_without_the_body(lab: Client) -> None:
    got, head = lab.get("/api/health"), lab.request("HEAD", "/api/health")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.data))
    assert lab.request("HEAD", "/api/nothing").data == b""


def test_options_lists_the_methods(lab: Client) -> None:
    response = lab.request("OPTIONS", "/api/lab/echo")
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize("number", ["0", "1", str(2**63 - 1), "0007"])
def test_an_id_in_a_path_is_a_number(lab: Client, number: str) -> None:
    assert lab.get(f"/api/lab/items/{number}").json == int(number)


@pytest.mark.parametrize(
    "text",
    [
        str(2**63),
        "9" * 19,
        "1" * 4000,
        "\uff11",
        "%EF%BC%91",
        "%00",
        "1%00",
        "-1",
        "+1",
        "1.0",
        "1_0",
        " 1",
        "%201",
        "abc",
        "1/2",
        "٣",
        "²",
    ],
)
def test_invalid_ids_are_404(lab: Client, text: str) -> None:
    response = lab.get(f"/api/lab/items/{text}")
    assert (response.status_code, response.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("text", ["%00", "a%00b", "%ff%00"])
def test_an_address_with_nul_is_404(lab: Client, text: str) -> None:
    response = lab.get(f"/api/lab/names/{text}")
    assert (response.status_code, response.json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "text", ["%FF%FE", "%0A%0DSet-Cookie:x", "%E2%82%AC", "%F0%9F%98%80", "a" * 100_000, "%3Cscript%3E", "%ED%A0%80"]
)
def test_unusual_text_in_an_address_is_answered(lab: Client, text: str) -> None:
    response = lab.get(f"/api/lab/names/{text}?limit=1")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert response.headers["Link"].isascii()


def test_a_very_long_path_is_404(lab: Client) -> None:
    assert lab.get("/" + "a" * 1_000_000).status_code == 404
    assert lab.get("/a" * 100_000).status_code == 404


def test_only_pages_may_be_cached(sqlite_app: Flask) -> None:
    """Any answer of a rule, in any spelling of its address, tells caches not to store it."""
    client, kept = Client(sqlite_app), {"web", "openapi_json", "client_library", "page"}
    rules = [rule for rule in sqlite_app.url_map.iter_rules() if rule.endpoint.partition(".")[0] not in kept]
    assert len(rules) > 50
    for rule in rules:
        for method in (rule.methods or set()) - {"OPTIONS"}:
            for slash in ("", "/"):
                path = re.sub(r"<[^>]*>", "1", rule.rule).rstrip("/") + slash
                headers = client.request(method, path).headers
                assert headers["Cache-Control"] == "no-store", (method, path)
