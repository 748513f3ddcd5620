"""Logs: one JSON object a line, with the user and the duration, and without secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from backend.http.logging import configure, request_members
from config import Config
from log_formatters import JsonFormatter
from tests.client import Client
from tests.factories import Factory
from tests.log_lines import Lines, log_lines

FORMATTER = JsonFormatter(request_members)


@pytest.fixture
def lines() -> Iterator[Lines]:
    with log_lines("confab") as found:
        yield found


def test_a_request_is_a_line(lab: Client, lines: Lines) -> None:
    response = lab.post("/api/lab/echo?token=hunter2", {"text": "hunter2"}, headers={"Authorization": "Bearer hunter2"})
    [line] = lines()
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/api/lab/echo", 200)
    assert line["user_id"] is None
    assert line["level"] == "info"
    assert 0 <= float(str(line["ms"])) < 10_000
    assert str(line["time"]).endswith("Z")
    assert "hunter2" not in json.dumps(line)


def test_the_line_names_the_user(app: Flask, make: Factory, lines: Lines) -> None:
    client = make.client(make.user(is_superuser=True))
    assert client.get("/api/health/detailed").status_code == 200
    [line] = lines()
    assert line["user_id"] == client.user.id  # type: ignore[attr-defined]
    assert client.token not in json.dumps(line)


def test_a_failure_keeps_its_traceback_and_its_request(lab: Client, lines: Lines) -> None:
    response = lab.get("/api/lab/crash")
    failure, access = lines()
    assert "RuntimeError" in str(failure["exception"])
    assert failure["request_id"] == access["request_id"] == response.headers["X-Request-ID"]
    assert access["status"] == 500


@pytest.mark.parametrize(
    ("method", "path", "shown"),
    [
        ("DELETE", "/api/rooms/7/invites/hunter2", "/api/rooms/7/invites/***"),  # refused: there is no signed-in user
        ("GET", "/api/rooms/7/invites/hunter2", "/api/rooms/7/invites/***"),  # refused: the route has another method
        ("DELETE", "/api/rooms/7/invites/hunter2/", "/api/rooms/7/invites/***"),
        (
            "DELETE",
            "/api/rooms/7/invites/hunter2/hunter2",
            "/api/rooms/7/invites/***",
        ),  # refused: there is no such route
        ("DELETE", "/api/rooms/seven/invites/hunter2", "/api/rooms/seven/invites/***"),
        ("DELETE", "/API/rooms/7/invites/%68unter2", "/API/rooms/7/invites/***"),
        ("GET", "/api/rooms/7/invites", "/api/rooms/7/invites"),
        ("GET", "/api/rooms/7/members/9", "/api/rooms/7/members/9"),
    ],
)
def test_a_secret_in_a_path_is_in_no_line(app: Flask, lines: Lines, method: str, path: str, shown: str) -> None:
    assert Client(app).request(method, path).status_code in (401, 404, 405)
    [line] = lines()
    assert line["path"] == shown
    assert "hunter2" not in json.dumps(line)


def test_every_parameter_named_like_a_secret_is_declared_as_one(sqlite_app: Flask) -> None:
    for rule in sqlite_app.url_map.iter_rules():
        for name in rule.arguments & {"code", "secret", "token", "ticket", "key", "password"}:
            assert f"<secret:{name}>" in rule.rule


@pytest.mark.parametrize("path", ["/api/%0Aforged", "/api/%1b%5b31m", '/api/"}', "/api/%E2%80%A8", "/api/%FF"])
def test_no_address_can_forge_a_line(lab: Client, lines: Lines, path: str) -> None:
    lab.get(path)
    [line] = lines()
    assert line["status"] == 404
    assert "\n" not in FORMATTER.format(logging.makeLogRecord({"msg": "x", "data": line}))


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("two\nlines\u2028and \x1b[31m", "two\nlines\u2028and \x1b[31m"),
        ("half a pair: \ud83d", "half a pair: \ud83d"),
        ({"a": {"time": 1}}, "{'a': {'time': 1}}"),
    ],
)
def test_every_message_is_one_line(message: object, written: str) -> None:
    line = FORMATTER.format(logging.makeLogRecord({"msg": message, "levelname": "ERROR", "name": "a.library"}))
    assert len(line.encode().split(b"\n")) == 1
    assert "\x1b" not in line
    record = json.loads(line)
    assert (record.pop("message"), record.pop("time")[-1]) == (written, "Z")
    assert record == {"level": "error", "logger": "a.library"}


def test_only_the_listed_members_are_written() -> None:
    """A library's own attributes may hold a secret: websockets, for example, attaches the whole connection."""
    given = {"msg": "x", "websocket": "hunter2", "data": {"size": 2**70, "path": Path("/x")}}
    line = json.loads(JsonFormatter(lambda: {"pid": 7}).format(logging.makeLogRecord(given)))
    assert list(line) == ["time", "level", "logger", "message", "pid", "size", "path"]
    assert (line["pid"], line["size"], line["path"]) == (7, 2**70, "/x")


def test_an_exception_is_part_of_its_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        line = FORMATTER.format(logging.makeLogRecord({"msg": "x", "exc_info": sys.exc_info()}))
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ValueError: first\nsecond")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.from_env({"INSTANCE_DIR": str(tmp_path), "LOG_LEVEL": "warning"})


def test_configuring_twice_writes_each_line_once(config: Config) -> None:
    configure(config)
    configure(config)
    handlers = [h for h in logging.getLogger().handlers if isinstance(h.formatter, JsonFormatter)]
    assert len(handlers) == 1


def test_the_development_server_writes_no_request_lines(config: Config) -> None:
    """They contain the query string."""
    configure(replace(config, log_level="info"))
    assert not logging.getLogger("werkzeug").isEnabledFor(logging.INFO)
