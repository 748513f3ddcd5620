"""Readers, which connect and disconnect, and record each frame; and the findings of a campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.realtime.client import Api, Frame, LiveClient


class Findings(dict[str, list[str]]):
    """The findings by kind, one line each."""

    def add(self, kind: str, text: str) -> None:
        """Add a finding."""
        self.setdefault(kind, []).append(text)

    def missing(self, text: str, numbers: Iterable[int]) -> None:
        """Add a finding for the missing *numbers*, if there are any. *text* says to whom they are missing."""
        runs: list[list[int]] = []
        for number in sorted(numbers):
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        if runs:
            spans = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
            self.add("missing", f"{text} {', '.join(spans)}")


class RecordingClient(LiveClient):
    """A socket that records what is wrong with its stream as findings, instead of raising an error.

    *received* has the modseq of each conversation up to which earlier sockets of the user received everything.
    """

    def __init__(self, url: str, token: str, found: Findings, received: dict[str, int] | None = None):
        self.found = found
        self.received = received or {}
        self.live: dict[str, set[int]] = {}
        self.starts: dict[str, int] = {}
        super().__init__(url, token, close_timeout=1)

    def _record(self, frame: Frame) -> None:
        if frame["type"].startswith(("message.", "member.")):
            name, modseq = frame["conversation_id"], frame["modseq"]
            live = self.live.setdefault(name, set())
            if modseq in live or modseq <= self.received.get(name, 0):
                self.found.add("doubled", f"socket {self.client_id} received {modseq} again")
            elif live and modseq < max(live):
                self.found.add("reordered", f"socket {self.client_id} received {modseq} after {max(live)}")
            live.add(modseq)
            self.modseqs[name] = max(modseq, self.modseqs.get(name, 0))
            self.seen[name][modseq] = frame
        elif frame["type"] == "resumed":
            # The answer may repeat earlier events. Later events may not.
            super()._record(frame)
            for row in frame["conversations"]:
                self.live[row["id"]] = set()
                self.starts[row["id"]] = self.modseqs[row["id"]]


@dataclass
class Reader:
    """What one user received over many sockets. `seqs` has every message, and `held` its latest state, by id."""

    api: Api
    name: str
    position: int
    seqs: set[int] = field(default_factory=set)
    held: dict[int, Frame] = field(default_factory=dict)
    stretches: list[tuple[str, int, set[int]]] = field(default_factory=list)

    def follow(self, found: Findings, until: Callable[[Reader], bool]) -> None:
        """Open one socket, resume, receive until *until* is true, and disconnect.

        Where an error precedes the first page nothing was resumed. The reader then resumes again, as docs/realtime.md says.
        """
        client = RecordingClient(self.api.url, self.api.token, found, {self.name: self.position})
        try:
            while not until(self):
                if self.name not in client.starts:
                    client.resume({self.name: self.position})
                self._take(client)
                try:
                    client.receive(0.2)
                except TimeoutError:
                    continue
        finally:
            self._take(client)
            if self.name in client.starts:
                self.stretches.append((client.client_id, client.starts[self.name], client.live.get(self.name, set())))
            client.close()

    def _take(self, client: RecordingClient) -> None:
        for change in client.seen.pop(self.name, {}).values():
            message = change.get("message", change)
            if "seq" in message:
                self.seqs.add(message["seq"])
                former = self.held.get(message["id"])
                if former is None or former["modseq"] <= message["modseq"]:
                    self.held[message["id"]] = message
        if self.name in client.starts:
            self.position = max(self.position, client.modseqs[self.name])
