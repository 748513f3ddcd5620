"""Faults: rules that a case gives to the server, each for one point of its work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from conformance.server.problems import Problem


@dataclass
class Fault:
    """What happens at the points that match *at*: after the first *skip* times, *times* times (0: always).

    A point is a name, such as `send`, `refresh`, `upgrade`, `ready`, `frame resume`, `page 1` or `GET /api/chat/messages`.
    In *at*, `*` matches any text.
    """

    at: str
    times: int = 1
    skip: int = 0
    user: str | None = None
    """Only for this user."""

    before: list[dict[str, Any]] = field(default_factory=list)
    """Cues that are carried out before the server acts."""
    delay: int = 0
    """Milliseconds to wait before the server acts."""
    lose: str | None = None
    """`request`: the connection is cut and nothing is done. `answer`: it is done, and the connection is cut without an answer."""
    refuse: dict[str, Any] | None = None
    """Refuse with this `code`, `status` and `retry_after` (seconds)."""

    event_first: int | None = None
    """Send the events of the change first, and the answer so many milliseconds later."""
    delay_answer: int = 0
    """Milliseconds to wait before the answer is sent."""
    hold_answer: str | None = None
    """Keep the answer back until the cue `release` with this name."""
    close: int | None = None
    """Close the socket with this code in place of the answer."""
    after: list[dict[str, Any]] = field(default_factory=list)
    """Cues that are carried out after the answer."""

    def problem(self) -> Problem:
        assert self.refuse is not None
        return Problem(**self.refuse)


class Faults:
    """The rules of one server."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._released: dict[str, asyncio.Event] = {}

    def add(self, rule: Fault) -> None:
        self.rules.append(rule)

    def clear(self) -> None:
        self.rules.clear()

    def take(self, points: list[str], user: str | None) -> Fault:
        """The first rule that matches one of *points* now, or one without any effect."""
        for rule in self.rules:
            if rule.user not in (None, user) or not any(fnmatchcase(point, rule.at) for point in points):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            if rule.times == 1:
                self.rules.remove(rule)
            rule.times -= 1 if rule.times else 0
            return rule
        return Fault("nothing")

    def gate(self, name: str) -> asyncio.Event:
        """The event that the cue `release` sets."""
        return self._released.setdefault(name, asyncio.Event())
