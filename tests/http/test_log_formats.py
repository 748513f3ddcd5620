"""LOG_FORMAT: text for a person on a terminal in development, JSON otherwise; for gunicorn's lines and the application's."""

from __future__ import annotations

import http.client
import json
import logging
import os
import re
import sys
import tty
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config import Config
from log_formatters import JsonFormatter, PlainFormatter, make_formatter
from tests.processes import wait_until
from tests.servers import Server, stand_in

REQUEST = {
    "request_id": "r1", "method": "GET", "path": "/api/rooms", "status": 200, "ms": 1.25, "user_id": 7, "address": "::1",
}  # fmt: skip
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z"


def plain(message: object = "hello", *, colours: bool = False, name: str = "confab.outbox", **fields: Any) -> str:
    record = logging.makeLogRecord({"msg": message, "name": name, "levelname": "INFO", **fields})
    return PlainFormatter(has_colours=colours).format(record)


def test_a_line_has_time_level_short_name_and_message() -> None:
    assert re.fullmatch(rf"{TIME} info     outbox     hello", plain())
    assert re.fullmatch(rf"{TIME} info     gunicorn   hello", plain(name="gunicorn.error"))
    assert re.fullmatch(rf"{TIME} info     sqlalchemy\.pool hello", plain(name="sqlalchemy.pool"))


@pytest.mark.parametrize(("user", "shown"), [(7, "7"), (None, "-")])
def test_a_request_is_method_path_status_milliseconds_and_user(user: int | None, shown: str) -> None:
    line = plain("request", name="confab.access", data=REQUEST | {"user_id": user})
    assert line[25:] == f"info     access     GET /api/rooms 200 1.25 ms user {shown} request_id=r1 address=::1"


def test_other_members_follow_by_name() -> None:
    line = plain("refused", data={"event": "sign_in.refused", "count": 2, "code": None, "more": {"a": [1]}})
    assert line.endswith('refused event=sign_in.refused count=2 more={"a": [1]}')


def test_the_context_is_part_of_a_line() -> None:
    formatter = PlainFormatter(lambda: {"pid": 7})
    assert formatter.format(logging.makeLogRecord({"msg": "x", "name": "a"})).endswith(" x pid=7")


def test_an_exception_follows_with_its_traceback() -> None:
    try:
        raise ValueError("first\nsecond \x1b[31m")
    except ValueError:
        line, *below = plain("failed", exc_info=sys.exc_info()).split("\n")
    assert line.endswith("failed")
    assert below[0] == "    Traceback (most recent call last):"
    assert below[-2:] == ["    ValueError: first", "    second \\x1b[31m"]


@pytest.mark.parametrize("text", ["\x1b[31m", "\r", "\u2028", "\u202e", "\ud83d", "\x9b31m", "\t"])
def test_a_control_character_reaches_no_terminal(text: str) -> None:
    lines = [
        plain(f"a{text}b", colours=False),
        plain(f"first\na{text}b"),
        plain("x", data={"member": f"a{text}b"}),
        plain("x", data={"member": f"first\na{text}b"}),
        plain("request", data=REQUEST | {"path": f"/a{text}b"}),
        plain("x", name=f"a{text}b"),
    ]
    for line in lines:
        assert line.replace("\n", "").isprintable()
        assert f"a{text.encode('unicode_escape').decode()}b" in line.replace("/a", "a")


def test_text_of_several_lines_can_imitate_no_line() -> None:
    forged = plain("forged")
    for line in (plain(f"x\n{forged}"), plain("x", data={"member": f"x\n{forged}"})):
        below = line.split("\n")[1:]
        assert below
        assert all(each.startswith("    ") for each in below)


@pytest.mark.parametrize(
    ("level", "status", "colours"),
    [("INFO", 200, ["34", "32"]), ("WARNING", 404, ["33", "33"]), ("ERROR", 503, ["31", "31"])],
)
def test_level_and_status_have_colours(level: str, status: int, colours: list[str]) -> None:
    line = plain("request", colours=True, levelname=level, data=REQUEST | {"status": status})
    assert re.findall(r"\x1b\[(3\d)m", line) == colours
    without = re.sub(r"\x1b\[[\d;]*m", "", line)
    assert without[25:] == plain("request", levelname=level, data=REQUEST | {"status": status})[25:]


@pytest.mark.parametrize(
    ("environ", "is_terminal", "kind", "has_colours"),
    [
        ({}, True, PlainFormatter, True),
        ({"NO_COLOR": "1"}, True, PlainFormatter, False),
        ({"NO_COLOR": ""}, True, PlainFormatter, True),
        ({}, False, JsonFormatter, None),
        ({"APP_ENV": "testing"}, True, JsonFormatter, None),
        ({"LOG_FORMAT": "json"}, True, JsonFormatter, None),
        ({"LOG_FORMAT": "plain", "APP_ENV": "testing"}, True, PlainFormatter, True),
        ({"LOG_FORMAT": "plain"}, False, PlainFormatter, False),
    ],
)
def test_the_format_depends_on_the_variable_and_the_terminal(
    environ: dict[str, str],
    is_terminal: bool,
    kind: type,
    has_colours: bool | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    made = make_formatter(Config.from_env({"INSTANCE_DIR": str(tmp_path), **environ}), dict)
    assert type(made) is kind
    assert getattr(made, "has_colours", None) is has_colours


class TerminalServer(Server):
    """A server whose standard error is a terminal (a pseudo terminal); `shown()` is what the terminal shows so far."""

    def __init__(self, env: dict[str, str], **options: Any):
        self.reading, self.terminal = os.openpty()
        tty.setraw(self.terminal)
        os.set_blocking(self.reading, False)
        self.received = b""
        super().__init__(env, **options)

    def command(self) -> list[str | Path]:
        return ["sh", "-c", f'exec "$@" 2>{os.ttyname(self.terminal)}', "sh", *super().command()]

    def shown(self) -> str:
        try:
            while part := os.read(self.reading, 65536):
                self.received += part
        except BlockingIOError:
            pass
        return self.received.decode()

    def close(self) -> None:
        super().close()
        os.close(self.reading)
        os.close(self.terminal)


@pytest.fixture(scope="module")
def env(new_migrated_database: Callable[[str], str]) -> dict[str, str]:
    return {"DATABASE_URL": new_migrated_database("sqlite")}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a server without Confab, which starts quickly: what has a format there are the lines of gunicorn alone."""
    return stand_in(tmp_path_factory.mktemp("small"), "def app(environ, start_response):\n    raise SystemError\n")


def ask(server: Server) -> None:
    """Ask for a missing page."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", "/nowhere")
        assert connection.getresponse().status == 404


def test_a_terminal_in_development_shows_plain_lines_in_colour(env: dict[str, str]) -> None:
    with TerminalServer(env) as server:
        ask(server)
        wait_until(lambda: "/nowhere" in server.shown(), "the line of the request")
        lines = server.shown().splitlines()
    [request] = [line for line in lines if "/nowhere" in line]
    assert re.fullmatch(
        rf"\x1b\[2m{TIME}\x1b\[0m \x1b\[34minfo    \x1b\[0m access     GET /nowhere \x1b\[33m404\x1b\[0m [\d.]+ ms user - "
        r"\x1b\[2mrequest_id=\w+ address=127\.0\.0\.1\x1b\[0m",
        request,
    ), request
    [started] = [line for line in lines if "Listening at: " in line]
    assert re.match(rf"\x1b\[2m{TIME}\x1b\[0m \x1b\[34minfo    \x1b\[0m gunicorn   Listening at: http://127", started)
    assert not [line for line in lines if line.startswith("{")]


def shown_at_start(root: Path, **env: str) -> list[str]:
    """The lines that a terminal shows while a server of *root* starts."""
    with TerminalServer(env, root=root, wait=False) as server:
        wait_until(lambda: "Booting worker" in server.shown(), "a worker", 30)
        return server.shown().splitlines()


def test_no_color_leaves_plain_lines(small: Path) -> None:
    lines = shown_at_start(small, NO_COLOR="1")
    assert lines
    assert all(re.match(rf"{TIME} info     gunicorn ", line) for line in lines), lines
    assert "\x1b" not in "".join(lines)


def test_elsewhere_a_terminal_shows_json(small: Path) -> None:
    lines = [json.loads(line) for line in shown_at_start(small, APP_ENV="testing")]
    assert {line["logger"] for line in lines} == {"gunicorn.error"}


def test_a_file_gets_json_in_development(env: dict[str, str]) -> None:
    with Server(env) as server:
        lines = [line for line in server.output().splitlines() if not line.startswith("Confab is at ")]
    assert {json.loads(line)["logger"] for line in lines} == {"gunicorn.error", "confab.access"}


def test_a_file_gets_plain_lines_where_that_is_chosen(small: Path) -> None:
    with Server({"LOG_FORMAT": "plain"}, root=small, wait=False) as server:
        wait_until(lambda: "Booting worker" in server.output(), "a worker", 30)
        lines = server.output().splitlines()
    assert {line[34:44].strip() for line in lines} == {"gunicorn"}
    assert "\x1b" not in "".join(lines)
