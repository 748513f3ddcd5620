"""Unexpected errors are reported to Sentry, without anything that a caller sent."""

from __future__ import annotations

import gzip
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import sentry_sdk

from backend.http import reporting
from backend.http.reporting import Reporter, scrub
from tests.outbox.sinks import WebSink, web_sink
from tests.processes import wait_until
from tests.realtime.conftest import app_root
from tests.servers import Server

SECRET = "hunter2"
LAB = "tests.http.reporting"


@pytest.fixture(scope="module")
def sentry() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return app_root(tmp_path_factory.mktemp("reporting"), LAB)


def dsn(url: str) -> str:
    return url.replace("//", "//public-key@") + "/7"


@pytest.fixture(scope="module")
def env(new_migrated_database: Callable[[str], str], sentry: WebSink) -> dict[str, str]:
    settings = {"SENTRY_DSN": dsn(sentry.url), "RATE_LIMITS": "off", "APP_ENV": "testing"}
    return {"DATABASE_URL": new_migrated_database("postgresql"), **settings}


@pytest.fixture(scope="module")
def server(env: dict[str, str], root: Path) -> Iterator[Server]:
    with Server(env, root=root, measured=True) as running:
        yield running


def ask(server: Server, path: str, **options: Any) -> requests.Response:
    headers = {
        "Authorization": f"Bearer {SECRET}-token", "Cookie": f"c={SECRET}-cookie", "X-Forwarded-For": f"{SECRET}-address",
        "X-Request-ID": f"mine{len(path)}",
    }  # fmt: skip
    body = {"password": f"{SECRET}-body"}
    return requests.post(f"{server.url}{path}?q={SECRET}-query", json=body, headers=headers, timeout=10, **options)


def raw(sink: WebSink) -> list[bytes]:
    return [gzip.decompress(body) if headers.get("content-encoding") else body for _, headers, body in sink.requests]


def events(sink: WebSink) -> list[dict[str, Any]]:
    """The events of all envelopes: a line for the envelope, then a line and an event for each item."""
    return [json.loads(line) for envelope in raw(sink) for line in envelope.splitlines()[2::2]]


@pytest.mark.parametrize(
    ("path", "route", "types"),
    [
        (f"/api/lab/crash/{SECRET}-name", "POST /api/lab/crash/<name>", {"RuntimeError"}),
        ("/api/lab/database/postgresql", "POST /api/lab/database/<kind>", {"ProgrammingError"}),
        ("/api/lab/database/sqlite", "POST /api/lab/database/<kind>", {"OperationalError"}),
    ],
)
def test_a_report_contains_nothing_that_was_sent(
    server: Server, sentry: WebSink, path: str, route: str, types: set[str]
) -> None:
    sentry.requests.clear()
    assert ask(server, path).status_code == 500
    wait_until(lambda: sentry.requests, "a report")
    [event] = events(sentry)
    last = event["exception"]["values"][-1]
    assert last["type"] in types
    assert any(frame["filename"].endswith("http/reporting.py") for frame in last["stacktrace"]["frames"])
    assert event["transaction"] == route
    assert event["tags"] == {"request_id": f"mine{len(path)}"}
    assert event["release"].startswith("confab@")
    assert (event["environment"], event["logger"]) == ("testing", "confab.errors")
    assert all("vars" not in frame for each in event["exception"]["values"] for frame in each["stacktrace"]["frames"])
    assert SECRET.encode() not in b"".join(raw(sentry))
    assert b"127.0.0.1" not in b"".join(raw(sentry))
    [(address, headers, _)] = sentry.requests
    assert address == "/api/7/envelope/"
    assert SECRET not in str(headers)


def test_expected_errors_are_not_reported(server: Server, sentry: WebSink) -> None:
    sentry.requests.clear()
    for path, status in (
        ("/api/nothing", 404), ("/api/auth/login", 422), ("/api/chat/send", 401), ("/api/health", 405),
        ("/api/lab/refuse/404", 404), ("/api/lab/refuse/429", 429), ("/api/lab/away", 503),
    ):  # fmt: skip
        assert ask(server, path).status_code == status
    assert ask(server, "/api/lab/crash/last").status_code == 500
    wait_until(lambda: sentry.requests, "a report")
    assert [event["transaction"] for event in events(sentry)] == ["POST /api/lab/crash/<name>"]


def test_no_request_waits_for_an_unresponsive_sentry(server: Server, sentry: WebSink) -> None:
    sentry.requests.clear()
    sentry.is_responsive.clear()
    try:
        started = time.monotonic()
        for _ in range(20):
            assert ask(server, "/api/lab/crash/a").status_code == 500
        assert time.monotonic() - started < 5
        wait_until(lambda: sentry.requests, "a report")
        assert len(sentry.requests) == 1, "the next report waits for the answer to this one"
    finally:
        sentry.is_responsive.set()
    wait_until(lambda: len(sentry.requests) == 20, "the other reports")


def test_pending_reports_are_sent_at_the_end(env: dict[str, str], root: Path) -> None:
    with web_sink() as sink, Server({**env, "SENTRY_DSN": dsn(sink.url)}, root=root) as server:
        for _ in range(5):
            assert ask(server, "/api/lab/crash/a").status_code == 500
        assert server.stop() == 0
        assert len(events(sink)) == 5


def test_a_repeated_error_is_not_reported_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "MAX_PER_MINUTE", 6)
    captured: list[Any] = []
    client = SimpleNamespace(options=sentry_sdk.Client().options, capture_event=captured.append)
    reporter = Reporter(client)
    for _ in range(30):
        try:
            raise ValueError(SECRET)
        except ValueError:
            reporter.handle(logging.LogRecord("confab.lab", logging.ERROR, "", 1, "failed", None, sys.exc_info()))
    assert 6 <= len(captured) <= 12, "a minute may end meanwhile"


def test_a_report_keeps_only_listed_fields() -> None:
    frame = {"filename": "a.py", "lineno": 1, "vars": {"password": SECRET}}
    exception = {"type": "E", "value": SECRET, "stacktrace": {"frames": [frame]}, "mechanism": {"data": SECRET}}
    event = {
        "event_id": "1", "exception": {"values": [exception]}, "request": {"data": SECRET}, "user": {"ip": SECRET},
        "breadcrumbs": [SECRET], "extra": {"a": SECRET}, "server_name": SECRET, "logentry": {"params": [SECRET]},
    }  # fmt: skip
    assert SECRET not in json.dumps(scrub(event))
    assert scrub(event)["exception"]["values"][0]["stacktrace"]["frames"] == [{"filename": "a.py", "lineno": 1}]
