"""Every failure is problem+json, whoever raised it, and none reveals internals."""

from __future__ import annotations

import logging

import pytest

from tests.client import Client

SHAPE = {"type", "title", "status", "detail", "code", "request_id"}


def test_the_members_of_a_problem(lab: Client) -> None:
    response = lab.get("/api/nothing")
    assert response.mimetype == "application/problem+json"
    assert response.json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "code": "not_found",
        "request_id": response.headers["X-Request-ID"],
    }


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api", "/api/nothing", "/static/nothing", "/static/../config.py", "//api/health", "/api//health"],
)
def test_an_unknown_address_is_404(lab: Client, path: str) -> None:
    response = lab.get(path)
    assert (response.status_code, response.json["code"]) == (404, "not_found")
    assert set(response.json) == SHAPE


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_another_method_is_405_and_the_allowed_ones_are_listed(lab: Client, method: str) -> None:
    response = lab.request(method, "/api/health")
    assert (response.status_code, response.json["code"]) == (405, "method_not_allowed")
    assert {m.strip() for m in response.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


def test_an_unexpected_failure_reveals_nothing(lab: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = lab.get("/api/lab/crash")
    assert (response.status_code, response.json["code"]) == (500, "internal_error")
    assert set(response.json) == SHAPE
    assert "hunter2" not in response.text
    assert "Traceback" not in response.text
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.exc_info is not None


def test_a_failing_statement_is_500_and_its_values_reach_no_log(lab: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = lab.get("/api/lab/fault")
    assert (response.status_code, response.json["code"]) == (500, "internal_error")
    assert "no_such_table" not in response.text
    assert "no_such_table" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_missing_token_is_401_with_the_challenge(lab: Client) -> None:
    response = lab.get("/api/lab/me")
    assert (response.status_code, response.json["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic dGVzdA==", "Bearer a.b.c", "Bearer \u00e9\u00e9", "bearer x y", "Bearer confab_x\0"],
)
def test_a_bad_token_is_401(sqlite_app: object, header: str) -> None:
    client = Client(sqlite_app)  # type: ignore[arg-type]
    response = client.get("/api/health/detailed", headers={"Authorization": header})
    assert (response.status_code, response.json["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_rate_limit_is_429_with_the_time_to_wait(make_lab: object) -> None:
    lab: Client = make_lab(rate_limits=True)  # type: ignore[operator]
    assert lab.get("/api/lab/limited").status_code == 200
    response = lab.get("/api/lab/limited")
    assert (response.status_code, response.json["code"]) == (429, "rate_limited")
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert response.headers["X-RateLimit-Remaining"] == "0"


def test_an_answer_without_content_has_no_body(lab: Client) -> None:
    response = lab.delete("/api/lab/gone")
    assert response.status_code == 204
    assert response.data == b""
    assert "Content-Length" not in response.headers
    assert "Content-Type" not in response.headers
