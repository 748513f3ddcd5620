"""What `flask` commands write to standard error: lines for a person, and only those that concern the command."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest
from flask import Flask

from backend.models.base import db
from backend.outbox import queue
from backend.outbox.gateways import SMS_NOT_SENT
from backend.outbox.mail import MAIL_NOT_SENT
from config import Config
from log_formatters import CommandFormatter, JsonFormatter, make_formatter
from tests.ops.test_files import flask
from tests.servers import ROOT, environment


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """Production as it is right after the installation: neither mail nor texts are configured."""
    secrets = {"SECRET_KEY": token_hex(32), "JWT_SECRET_KEY": token_hex(32)}
    return {"APP_ENV": "production", "INSTANCE_DIR": str(tmp_path / "instance"), **secrets}


MAIL = {"to": "ann@example.com", "subject": "s", "text": "t"}
END = "the end of a command"
RUN = f"""
import sys
from flask.cli import main
from tests.http.test_command_logs import enqueue
for command in sys.argv[1:]:
    sys.argv = ["flask", "--app", "wsgi", *command.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code or command == "doctor", command
    print({END!r}, file=sys.stderr)
    if command == "db upgrade":
        import wsgi
        enqueue(wsgi.app, 2)
"""


def enqueue(app: Flask, count: int) -> None:
    """Put *count* mails into the queue."""
    with app.app_context():
        for _ in range(count):
            queue.enqueue("mail", "test", MAIL, lifetime=timedelta(hours=1))
        db.session.commit()
        db.engine.dispose()


def test_commands_in_production_write_no_warnings_that_do_not_concern_them(settings: dict[str, str]) -> None:
    """They run in one process. The next test starts the command as an operator does."""
    commands = ("db upgrade", "users list", "users purge", "outbox status", "outbox drain", "doctor")
    done = subprocess.run(
        [sys.executable, "-c", RUN, *commands],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *parts, rest = done.stderr.split(f"{END}\n")
    written = dict(zip(commands, parts, strict=True))
    warnings = [f"Warning: {SMS_NOT_SENT}", f"Warning: {MAIL_NOT_SENT}"]
    given_up = [f"Error: mail {n} (test) was given up: {MAIL_NOT_SENT}" for n in (1, 2)]
    assert written.pop("outbox drain").splitlines() == [*warnings, *given_up]
    assert ("".join(written.values()), rest) == ("", ""), written


def test_json_is_written_if_it_is_asked_for(
    settings: dict[str, str], make_app: Callable[..., Flask], new_migrated_database: Callable[[str], str]
) -> None:
    settings |= {"DATABASE_URL": new_migrated_database("sqlite"), "LOG_FORMAT": "json"}
    enqueue(make_app(settings, instance_dir=settings["INSTANCE_DIR"]), 1)
    *_, line = flask(settings, "outbox", "drain").stderr.splitlines()
    assert json.loads(line)["message"] == f"mail 1 (test) was given up: {MAIL_NOT_SENT}"


@pytest.mark.parametrize(
    ("log_format", "kind"), [("auto", CommandFormatter), ("plain", CommandFormatter), ("json", JsonFormatter)]
)
@pytest.mark.parametrize("is_terminal", [True, False])
def test_only_json_changes_the_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_format: str, kind: type, is_terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    config = Config.from_env({"LOG_FORMAT": log_format, "INSTANCE_DIR": str(tmp_path)})
    assert type(make_formatter(config, dict, is_command=True)) is kind


@pytest.mark.parametrize(
    ("level", "line"),
    [
        ("INFO", "sent key=7"),
        ("WARNING", "Warning: sent key=7"),
        ("ERROR", "Error: sent key=7"),
        ("CRITICAL", "Critical: sent key=7"),
    ],
)
def test_a_line_has_its_level_and_message(level: str, line: str) -> None:
    record = logging.makeLogRecord({"msg": "sent", "name": "confab.outbox", "levelname": level, "data": {"key": 7}})
    assert CommandFormatter().format(record) == line
