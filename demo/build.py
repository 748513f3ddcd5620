"""Builds the demo: an instance folder with a database, files and secrets."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import datetime
from io import StringIO
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy import event

from backend import create_app
from backend.models.base import db
from config import Config
from demo.accounts import Directory, make_accounts, make_rooms
from demo.calendar import Calendar
from demo.conversations import Sender, change, load_lines
from demo.inbox import leave_work, mark_everything
from demo.script import Line
from demo.team import Team, load_team
from demo.times import move_times

Report = Callable[[str, float], None]
"""Is told what is being done, and which part of it is done, from 0 to 1."""


def build(folder: Path, now: datetime, report: Report) -> Team:
    """Build the demo in *folder*, so that its last message is a minute and a half older than *now*.

    An earlier demo in *folder* is replaced. It is built beside *folder* and moved there when it is whole. Nothing else is
    written. Raises ScriptError.
    """
    team = load_team()
    lines = load_lines(team)
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    app = create_app(Config.from_env(_environment(draft)))
    with app.app_context():
        _fill(app, team, lines, now, report)
        db.session.remove()
        db.engine.dispose()
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return team


def migrate(folder: Path) -> None:
    """Bring the database of the demo in *folder* to head."""
    app = create_app(Config.from_env(_environment(folder)))
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


def _environment(folder: Path) -> dict[str, str]:
    """The variables of the application that builds. It serves nobody."""
    return {"INSTANCE_DIR": str(folder), "RATE_LIMITS": "off", "LOG_LEVEL": "warning"}


def _fill(app: Flask, team: Team, lines: Sequence[Line], now: datetime, report: Report) -> None:
    report("the database", 0)
    event.listen(db.engine, "connect", _write_without_waiting)
    with redirect_stdout(StringIO()):  # the list of migrations
        flask_migrate.upgrade()
    report("people", 0)
    directory = Directory()
    make_accounts(team, directory)
    make_rooms(team, directory)
    sender = Sender(team, directory)
    sender.send(lines, lambda count: report(f"{count} of {len(lines)} messages", count / len(lines)))
    report("reactions, edits and pins", 1)
    change(lines, sender.message_ids, directory)
    report("what is read", 1)
    mark_everything(team, directory, lines)
    leave_work(team, directory, sender.message_ids)
    move_times(team, directory, sender.message_ids, calendar_of(lines, now), now)


def _write_without_waiting(connection: sqlite3.Connection, _record: object) -> None:
    """Leave it to the system when it writes to the disk. A crash leaves only a draft that the next build removes."""
    connection.execute("PRAGMA synchronous=OFF")


def calendar_of(lines: Sequence[Line], now: datetime) -> Calendar:
    """The calendar on which the last of *lines* was said just before *now*."""
    today = [line.minute for line in lines if line.day == 0]
    yesterday = [line.minute for line in lines if line.day == 1]
    return Calendar(now, (min(today), max(today)), max(yesterday))
