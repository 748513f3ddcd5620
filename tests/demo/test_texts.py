"""The form of the text files, and the times that follow from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from demo.__main__ import server_environment
from demo.calendar import Calendar
from demo.script import ScriptError, parse

SCRIPT = """\
# A comment.
== 12 09:40
mara: Look:

    ```py
    x = 1
    ```
~ 👍 jonas amir
~ pinned mara
> jonas: Nice
~ was Nise
~ file chart some-chart.png
mara 10:15: Next
~ deleted
~ report jonas Too short.
"""


def test_a_script_becomes_messages() -> None:
    first, reply, last = parse("engineering", SCRIPT)
    assert first.text == "Look:\n\n```py\nx = 1\n```"
    assert first.reactions == [("👍", "jonas"), ("👍", "amir")]
    assert first.pinned_by == "mara"
    assert reply.parent is first
    assert (reply.text, reply.earlier, reply.files) == ("Nice", ["Nise"], ["chart some-chart.png"])
    assert (last.deleted_by, last.reports) == ("mara", [("jonas", "Too short.")])
    assert first.day == reply.day == last.day == 12
    assert 9 * 60 + 40 < first.minute < last.minute == 10 * 60 + 15
    assert first.minute < reply.minute


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("== 1 9:00", "a header is == DAY HH:MM"),
        ("== 1 09:00\nHello", "a message is NAME: TEXT"),
        ("== 1 09:00\n> mara: Hello", "there is no message to reply to"),
        ("== 1 09:00\nmara: Hello\nmara 08:59: Hello", "the message before it is later"),
        ("~ deleted", "there is no message yet"),
        ("== 1 09:00\nmara: Hello\n~ removed", "there is no such remark"),
        ("== 1 21:59\nmara: " + "long " * 200, "the day ends before this message"),
    ],
)
def test_a_wrong_line_is_named(script: str, fault: str) -> None:
    number = script.count("\n") + 1
    with pytest.raises(ScriptError, match=f"^lobby, line {number}: {fault}"):
        parse("lobby", script)


@pytest.mark.parametrize("hour", [0, 9, 15, 23])
@pytest.mark.parametrize("day", range(7))
def test_times_keep_the_order_of_the_script(day: int, hour: int) -> None:
    """On each weekday and at each hour. Working days are no weekends, and the last message is a minute and a half old."""
    now = datetime(2026, 11, 16 + day, hour, 5).astimezone()
    calendar = Calendar(now, (500, 1000), 1319)
    minutes = (500.0, 1000.0, 1109.0, 1115.0, 1200.0, 1319.0)
    times = [calendar.at(day, minute) for day in range(45, 0, -1) for minute in minutes]
    today = [calendar.at(0, minute) for minute in (500.0, 700.0, 1000.0)]
    assert times + today == sorted(times + today)
    assert today[-1] == now - timedelta(seconds=90)
    noons = [calendar.at(day, 720.0) for day in range(1, 46)]
    assert {at.weekday() for at in noons} == {0, 1, 2, 3, 4}
    assert len({at.date() for at in noons}) == 45
    assert 4 <= (now - noons[4]).days <= 7


def test_the_server_gets_only_its_address_and_its_log() -> None:
    given = {
        "PORT": "8001",
        "PATH": "/bin",
        "LC_ALL": "C",
        "DATABASE_URL": "sqlite:////mine.db",
        "SMTP_URL": "smtp://a",
    }
    assert server_environment({**given, "LOG_LEVEL": None}, Path("/demo")) == {
        "PORT": "8001",
        "PATH": "/bin",
        "LC_ALL": "C",
        "INSTANCE_DIR": "/demo",
        "FLASK_SKIP_DOTENV": "1",
    }
