"""The record of one run: commands, answers, frames and requests, in their order."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_SHOWN = 240
"""The characters of an entry that are printed."""


@dataclass(frozen=True)
class Entry:
    """Something that happened, `at` seconds after the start of the run."""

    at: float
    kind: str
    data: dict[str, Any]

    def __str__(self) -> str:
        data = self.data | ({"token": f"…{self.data['token'][-8:]}"} if self.data.get("token") else {})
        text = json.dumps(data, ensure_ascii=False)
        if len(text) > MAX_SHOWN:
            text = f"{text[:MAX_SHOWN]}…"
        return f"{self.at:8.3f}  {self.kind:<9} {text}"


@dataclass
class Trace:
    """All entries of a run. Its kinds are `do`, `answer` and `event` (the adapter), `cue`, `step`, `request`, `response`, `open`,
    `in`, `out` and `close` (the server).
    """

    entries: list[Entry] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def add(self, kind: str, **data: Any) -> Entry:
        entry = Entry(self.now(), kind, data)
        self.entries.append(entry)
        return entry

    def now(self) -> float:
        """The seconds since the start of the run."""
        return time.monotonic() - self.started

    def find(self, kind: str, since: float = 0, **data: Any) -> Iterator[Entry]:
        """The entries of this kind, not before *since*, whose data has these values."""
        for entry in self.entries:
            if entry.kind == kind and entry.at >= since and data.items() <= entry.data.items():
                yield entry
