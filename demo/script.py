"""Reads the text files of conversations: who said what, on which day, in which thread.

    == 12 09:40                      the 12th working day before today, at 09:40
    mara: A message, in Markdown.
        Its further lines are indented by four spaces.
    ~ 👍 jonas amir                  reactions
    > jonas: A reply in the thread of the last message.
    > mara 10:15: A reply at this time. Others follow after some minutes.
    ~ was An earlier version of it

README.md lists the other lines with `~`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LAST_MINUTE = 22 * 60
"""No message is later in its day, so that the days keep their order also when one of them is a Friday."""

_HEADER = re.compile(r"== (\d+) (\d\d):(\d\d)")
_SPOKEN = re.compile(r"(> )?([a-z]+)(?: (\d\d):(\d\d))?: (.*)")
_INDENT = "    "


class ScriptError(Exception):
    """A line of a text file that cannot be understood."""


@dataclass(eq=False)
class Line:
    """One message. `day` counts working days back from today, and `minute` from midnight."""

    conversation: str
    author: str
    text: str
    day: int
    minute: float
    parent: Line | None = None
    earlier: list[str] = field(default_factory=list)
    """The former versions of the text, the first one first."""

    reactions: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of an emoji and a username."""

    files: list[str] = field(default_factory=list)
    pinned_by: str | None = None
    deleted_by: str | None = None
    reports: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of a username and a reason."""

    @property
    def order(self) -> tuple[int, float]:
        """Sorts messages by time."""
        return -self.day, self.minute


def parse(conversation: str, text: str) -> list[Line]:
    """The messages in *text*, a script of *conversation*. Raises ScriptError with the number of the first wrong line.

    The pauses between messages depend on nothing but the script, so a script gives the same messages each time.
    """
    reader = _Reader(conversation)
    for number, raw in enumerate(text.splitlines(), 1):
        try:
            reader.read(raw.rstrip())
        except (ScriptError, ValueError) as error:
            raise ScriptError(f"{conversation}, line {number}: {error}: {raw}") from None
    return reader.lines


class _Reader:
    """The state between two lines of a script."""

    def __init__(self, conversation: str):
        self.lines: list[Line] = []
        self._conversation = conversation
        self._pauses = random.Random(conversation)
        self._day, self._minute = 0, 0.0
        self._thread_minute = 0.0
        self._top: Line | None = None
        self._blank = 0

    def read(self, raw: str) -> None:
        if not raw or raw.startswith("#"):
            self._blank += not raw
            return
        if raw.startswith(_INDENT):
            self._last().text += "\n" * (1 + self._blank) + raw[len(_INDENT) :]
        elif raw.startswith("== "):
            self._start(raw)
        elif raw.startswith("~ "):
            self._add_to_last(raw[2:])
        else:
            self._speak(raw)
        self._blank = 0

    def _start(self, raw: str) -> None:
        found = _HEADER.fullmatch(raw)
        if found is None:
            raise ScriptError("a header is == DAY HH:MM")
        day, hours, minutes = map(int, found.groups())
        self._day, self._minute = day, hours * 60 + minutes
        self._top = None

    def _speak(self, raw: str) -> None:
        found = _SPOKEN.fullmatch(raw)
        if found is None:
            raise ScriptError("a message is NAME: TEXT")
        is_reply, author, hours, minutes, text = found.groups()
        given = int(hours) * 60 + int(minutes) if hours else None
        line = Line(self._conversation, author, text, self._day, 0)
        if is_reply:
            if self._top is None:
                raise ScriptError("there is no message to reply to")
            line.parent = self._top
            line.minute = self._thread_minute = self._next(self._thread_minute, given, self._pause(text, 1.5, 9))
        else:
            self._top = line
            self._minute = self._next(self._minute, given, self._pause(text, 0.4, 4))
            line.minute = self._thread_minute = self._minute
        if line.minute >= LAST_MINUTE:
            raise ScriptError("the day ends before this message")
        self.lines.append(line)

    def _next(self, previous: float, given: int | None, pause: float) -> float:
        """The minute of a message after one at *previous*: as *given*, or after a *pause*."""
        if given is not None and given < previous:
            raise ScriptError("the message before it is later")
        return previous + pause if given is None else float(given)

    def _pause(self, text: str, shortest: float, longest: float) -> float:
        """Minutes: a long text takes longer to write."""
        return self._pauses.uniform(shortest, longest) + min(len(text), 600) / 300

    def _last(self) -> Line:
        if not self.lines:
            raise ScriptError("there is no message yet")
        return self.lines[-1]

    def _add_to_last(self, raw: str) -> None:
        line = self._last()
        word, _, rest = raw.partition(" ")
        if word == "was":
            line.earlier.append(rest)
        elif word == "file":
            line.files.append(rest)
        elif word == "pinned":
            line.pinned_by = rest
        elif word == "deleted":
            line.deleted_by = rest or line.author
        elif word == "report":
            reporter, _, reason = rest.partition(" ")
            line.reports.append((reporter, reason))
        elif word.isascii():
            raise ScriptError("there is no such remark")
        else:
            line.reactions += [(word, name) for name in rest.split()]


def in_order(lines: list[Line]) -> Iterator[Line]:
    """The messages of all conversations by time; those of the same moment in the order of *lines*."""
    return iter(sorted(lines, key=lambda line: line.order))
