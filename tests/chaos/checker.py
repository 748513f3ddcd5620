"""A checker in Jepsen's manner: writers and readers while things are killed, and then a reckoning with the database.

Writers send one message after the other and repeat, under its key, what was not acknowledged. Readers come and go at random,
resume, and note each frame. What counts in the end:

- lost: acknowledged, and not in the database as it was acknowledged;
- doubled: twice in the database under one key, one modseq told twice by one socket, or told live by a later one;
- reordered: a modseq after a later one, a gap in the seqs, or one writer's messages not in the order of its sending;
- missing: not told to a socket that was told something later, never read by a reader at all, or not told within seconds;
- silent: nothing was acknowledged for long, though nothing was wrong any more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event, Lock, Thread
from typing import Any

from flask import Flask
from sqlalchemy import select
from websockets.exceptions import WebSocketException

from backend.models import Message
from backend.models.base import db
from tests.realtime.client import Api, Frame, LiveClient

AWAY = (OSError, EOFError, WebSocketException, TimeoutError)
LATE_SECONDS = 6.0
SILENT_SECONDS = 20.0
"""A writer gives up on a server that does not answer after 10 s, and tries again."""


class Findings(dict[str, list[str]]):
    """What was found, by its kind: a line for each."""

    def note(self, kind: str, what: str) -> None:
        """Note a finding."""
        self.setdefault(kind, []).append(what)

    def missing(self, who: str, numbers: Iterable[int]) -> None:
        """Note what somebody lacks, if there is any."""
        runs: list[list[int]] = []
        for number in sorted(numbers):
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        if runs:
            spans = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
            self.note("missing", f"{who} {', '.join(spans)}")


class Ear(LiveClient):
    """A socket that counts what is wrong with its stream instead of refusing it.

    *heard* says up to which modseq of each conversation its user was told before it opened: that is past.
    """

    def __init__(self, url: str, token: str, found: Findings, heard: dict[str, int] | None = None):
        self.found = found
        self.heard = heard or {}
        self.live: dict[str, set[int]] = {}
        self.starts: dict[str, int] = {}
        super().__init__(url, token, close_timeout=1)

    def _note(self, frame: Frame) -> None:
        if frame["type"].startswith(("message.", "member.")):
            name, modseq = frame["conversation_id"], frame["modseq"]
            told = self.live.setdefault(name, set())
            if modseq in told or modseq <= self.heard.get(name, 0):
                self.found.note("doubled", f"socket {self.client_id} was told {modseq} again")
            elif told and modseq < max(told):
                self.found.note("reordered", f"socket {self.client_id} was told {modseq} after {max(told)}")
            told.add(modseq)
            self.modseqs[name] = max(modseq, self.modseqs.get(name, 0))
            self.seen[name][modseq] = frame
        elif frame["type"] == "resumed":
            # What was told before the answer may be in it again; from here on nothing may.
            super()._note(frame)
            for row in frame["conversations"]:
                self.live[row["id"]] = set()
                self.starts[row["id"]] = self.modseqs[row["id"]]


@dataclass
class Reader:
    """One user's view over many sockets. `seqs` is every message that it was ever shown."""

    api: Api
    name: str
    position: int
    seqs: set[int] = field(default_factory=set)
    stretches: list[tuple[str, int, set[int]]] = field(default_factory=list)

    def follow(self, found: Findings, until: Callable[[Reader], bool]) -> None:
        """One socket: resume, listen, and go without a word.

        Where an error comes before the first page nothing was resumed, and it is asked for again, as docs/realtime.md tells.
        """
        ear = Ear(self.api.url, self.api.token, found, {self.name: self.position})
        try:
            while not until(self):
                if self.name not in ear.starts:
                    ear.resume({self.name: self.position})
                self._take(ear)
                try:
                    ear.receive(0.2)
                except TimeoutError:
                    continue
        finally:
            self._take(ear)
            if self.name in ear.starts:
                self.stretches.append((ear.client_id, ear.starts[self.name], ear.live.get(self.name, set())))
            ear.close()

    def _take(self, ear: Ear) -> None:
        for what in ear.seen.pop(self.name, {}).values():
            message = what.get("message", what)
            if "seq" in message:
                self.seqs.add(message["seq"])
        if self.name in ear.starts:
            self.position = max(self.position, ear.modseqs[self.name])


class Campaign:
    """Writers and readers of one room, at work from `start` until `finish`, which returns the findings."""

    def __init__(self, app: Flask, users: list[Api], readers: int = 3, seed: int = 0):
        self.app = app
        self.random = random.Random(seed)
        owner, *others = users
        self.room = owner.room(*others)
        self.name: str = self.room["conversation_id"]
        self.since = len(users)
        self.writers = users[: len(users) - readers]
        self.readers = [Reader(api, self.name, self.since) for api in users[len(users) - readers :]]
        self.acknowledged: dict[str, Frame] = {}
        self.found = Findings()
        self.errors: list[BaseException] = []
        self._is_over, self._is_silent, self._lock = Event(), Event(), Lock()
        self._threads = [Thread(target=self._guarded, args=[self._write, *each]) for each in enumerate(self.writers)]
        self._threads += [Thread(target=self._guarded, args=[self._read, *each]) for each in enumerate(self.readers)]

    def start(self) -> None:
        """Let them begin."""
        for thread in self._threads:
            thread.start()

    def _guarded(self, work: Callable[..., None], *args: Any) -> None:
        try:
            work(*args)
        except BaseException as error:  # noqa: BLE001  # it belongs to the test's own thread
            self.errors.append(error)

    def _write(self, number: int, api: Api) -> None:
        socket: LiveClient | None = None
        count = 0
        while not self._is_silent.is_set():
            key = f"w{number}-{count}"
            try:
                socket = socket or Ear(api.url, api.token, Findings())
                message = socket.send(key, room_id=self.room["id"], client_message_id=key)
            except (*AWAY, AssertionError):  # the fault is at work; the same key goes out again
                if socket is not None:
                    socket.close()
                    socket = None
                time.sleep(0.05)
                continue
            with self._lock:
                self.acknowledged[key] = message
            count += 1
        if socket is not None:
            socket.close()

    def _read(self, number: int, reader: Reader) -> None:
        chance = random.Random(number)
        while not self._is_over.is_set():
            stays = time.monotonic() + (
                1e9 if number == 0 else chance.uniform(0.1, 2.5)
            )  # the first one never goes by itself
            try:
                reader.follow(self.found, lambda _, stays=stays: self._is_over.is_set() or time.monotonic() > stays)
            except AWAY:
                time.sleep(0.05)

    def expect_progress(self, seconds: float = SILENT_SECONDS) -> None:
        """Wait until something is acknowledged. Where nothing is within *seconds*, that is a finding."""
        before, deadline = len(self.acknowledged), time.monotonic() + seconds
        while len(self.acknowledged) == before:
            if time.monotonic() > deadline:
                self.found.note("silent", f"nothing was acknowledged for {seconds:g} s")
                return
            time.sleep(0.02)

    def finish(self) -> Findings:
        """Silence the writers, give the readers a moment to hear the rest, and reckon."""
        self._is_silent.set()
        for thread in self._threads[: len(self.writers)]:
            thread.join(60)
        rows = self._rows()
        head = max((row.modseq for row in rows), default=0)
        deadline = time.monotonic() + LATE_SECONDS
        while time.monotonic() < deadline and any(reader.position < head for reader in self.readers):
            time.sleep(0.05)
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)
        if self.errors:
            raise self.errors[0]
        self._reckon(rows)
        return self.found

    def _rows(self) -> list[Any]:
        with self.app.app_context():
            db.engine.dispose()  # its connections may be to a server that was killed
            columns = (Message.seq, Message.modseq, Message.id, Message.content, Message.sender_id)
            statement = select(*columns).where(Message.conversation_id == self.name).order_by(Message.seq)
            return list(db.session.execute(statement).all())

    def _reckon(self, rows: list[Any]) -> None:
        by_key: dict[str, Any] = {}
        for row in rows:
            if by_key.setdefault(row.content, row) is not row:
                self.found.note("doubled", f"{row.content} is message {by_key[row.content].seq}, and {row.seq}")
        for key, message in self.acknowledged.items():
            row = by_key.get(key)
            if row is None or (row.seq, row.id, row.modseq) != (message["seq"], message["id"], message["modseq"]):
                self.found.note("lost", f"{key} was acknowledged as {message['seq']}, and is {row}")
        for place, row in enumerate(rows, 1):
            if row.seq != place:
                self.found.note("reordered", f"message {place} of the database is {row.seq}")
        for number in range(len(self.writers)):
            own = [int(row.content.partition("-")[2]) for row in rows if row.content.startswith(f"w{number}-")]
            for earlier, later in pairwise(own):
                if later < earlier:
                    self.found.note("reordered", f"writer {number}'s {earlier} came before {later}")
        modseqs = {row.modseq for row in rows}
        for number, reader in enumerate(self.readers):
            self.found.missing(f"reader {number} was never shown messages", {row.seq for row in rows} - reader.seqs)
            for socket, start, told in reader.stretches:
                reach = set(range(start + 1, max(told, default=start) + 1))
                self.found.missing(f"reader {number} was not told modseqs over socket {socket}", modseqs & reach - told)
