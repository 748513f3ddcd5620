"""A checker like Jepsen: writers and readers work while parts are killed, and then what they saw is compared with the database.

Writers send one message after the other, and repeat one that was not acknowledged under the same key. Between sends they edit,
delete and react to their own messages. Readers connect and disconnect at random, resume, and record each frame. The findings are:

- lost: a message or a change that was acknowledged is not in the database as it was acknowledged;
- doubled: a message is in the database twice under one key, or a socket received a modseq twice, or live after an earlier socket;
- reordered: a modseq arrived after a later one, the seqs have a gap, or the messages of a writer are not in the order sent;
- missing: a socket received a later modseq without this one, or a reader never received a message, or not within seconds;
- silent: nothing was acknowledged for long, although no fault was active any more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from threading import Event, Lock, Thread
from typing import Any

from flask import Flask
from sqlalchemy import exists, select
from websockets.exceptions import WebSocketException

from backend.models import Message, Reaction
from backend.models.base import db
from tests.realtime.client import Api, Frame, LiveClient

UNREACHABLE = (OSError, EOFError, WebSocketException, TimeoutError)
LATE_SECONDS = 6.0
SILENT_SECONDS = 20.0
"""Longer than the 10 s after which a writer gives up on an answer and tries again."""


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
    """What one user received over many sockets. `seqs` has every message."""

    api: Api
    name: str
    position: int
    seqs: set[int] = field(default_factory=set)
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
        if self.name in client.starts:
            self.position = max(self.position, client.modseqs[self.name])


@dataclass
class Expected:
    """What the last acknowledged change made of a message that only its author *user_id* changes."""

    user_id: int
    message_id: int
    key: str
    content: str = ""
    is_reacted: bool = False
    is_deleted: bool = False
    is_uncertain: bool = False
    """Whether a change was sent and never answered."""

    def __post_init__(self) -> None:
        self.content = self.content or self.key

    def change(self, chance: random.Random) -> tuple[dict[str, Any], Expected]:
        """A frame that changes the message, and what is expected once it is acknowledged."""
        kind = chance.choices(["edit", "react", "unreact", "delete"], [4, 4, 2, 1])[0]
        frame: dict[str, Any] = {"type_": kind, "message_id": self.message_id}
        if kind == "edit":
            content = f"{self.key} {chance.random()}"
            return frame | {"content": content}, replace(self, content=content)
        if kind == "delete":
            is_hard = chance.random() < 0.5
            content = "" if is_hard else self.content
            return frame | {"hard": is_hard}, replace(self, content=content or " ", is_reacted=False, is_deleted=True)
        return frame | {"emoji": "👍"}, replace(self, is_reacted=kind == "react")

    def matches(self, row: Any) -> bool:
        """Whether the database holds what was acknowledged."""
        is_content_same = row.content == self.content.strip()
        found = (row.is_reacted, row.deleted_at is not None)
        return self.is_uncertain or (is_content_same and found == (self.is_reacted, self.is_deleted))


class Campaign:
    """Writers and readers of one room, at work from `start` until `finish`, which returns the findings.

    After each send a writer changes one of its messages with the probability *change_chance*.
    """

    def __init__(self, app: Flask, users: list[Api], readers: int = 3, seed: int = 0, *, change_chance: float = 0.4):
        self.app = app
        self.change_chance = change_chance
        self.random = random.Random(seed)
        owner, *others = users
        self.room = owner.room(*others)
        self.name: str = self.room["conversation_id"]
        self.since = len(users)
        self.writers = users[: len(users) - readers]
        self.readers = [Reader(api, self.name, self.since) for api in users[len(users) - readers :]]
        self.acknowledged: dict[str, Frame] = {}
        self.expected: dict[str, Expected] = {}
        self.found = Findings()
        self.errors: list[BaseException] = []
        self.changed = 0
        self._is_over, self._is_writing_over, self._lock = Event(), Event(), Lock()
        self._threads = [Thread(target=self._guarded, args=[self._write, *each]) for each in enumerate(self.writers)]
        self._threads += [Thread(target=self._guarded, args=[self._read, *each]) for each in enumerate(self.readers)]

    def start(self) -> None:
        """Start the writers and the readers."""
        for thread in self._threads:
            thread.start()

    def _guarded(self, work: Callable[..., None], *args: Any) -> None:
        try:
            work(*args)
        except BaseException as error:  # noqa: BLE001  # `finish` raises it in the thread of the test
            self.errors.append(error)

    def _write(self, number: int, api: Api) -> None:
        socket: LiveClient | None = None
        count, chance = 0, random.Random(number)
        while not self._is_writing_over.is_set():
            key = f"w{number}-{count}"
            try:
                socket = socket or RecordingClient(api.url, api.token, Findings())
                message = socket.send(key, room_id=self.room["id"], client_message_id=key)
            except (*UNREACHABLE, AssertionError):  # a fault is active: send it again under the same key
                if socket is not None:
                    socket.close()
                    socket = None
                time.sleep(0.05)
                continue
            with self._lock:
                self.acknowledged[key] = message
                self.expected[key] = Expected(api.id, message["id"], key)
            count += 1
            socket = self._change_one(socket, api, f"w{number}-", chance)
        if socket is not None:
            socket.close()

    def _change_one(self, socket: LiveClient, api: Api, prefix: str, chance: random.Random) -> LiveClient | None:
        """Change one of the writer's own messages at random, and repeat it until it is acknowledged. Returns the socket."""
        own = [each for key, each in self.expected.items() if key.startswith(prefix) and not each.is_deleted]
        if not own or chance.random() > self.change_chance:
            return socket
        target = chance.choice(own)
        frame, changed = target.change(chance)
        current: LiveClient | None = socket
        while not self._is_writing_over.is_set():
            try:
                current = current or RecordingClient(api.url, api.token, Findings())
                answer = current.call(**frame)
            except (*UNREACHABLE, AssertionError):
                answer = {"type": "error", "code": "unavailable"}
                if current is not None:
                    current.close()
                    current = None
            if answer["type"] != "error":
                self.changed += 1
                self.expected[changed.key] = changed
                return current
            if answer["code"] != "unavailable":
                self.found.add("lost", f"{target} could not be changed by {frame}: {answer}")
                return current
            time.sleep(0.05)
        target.is_uncertain = True
        return current

    def _read(self, number: int, reader: Reader) -> None:
        chance = random.Random(number)
        while not self._is_over.is_set():
            until = time.monotonic() + (
                1e9 if number == 0 else chance.uniform(0.1, 2.5)
            )  # the first reader never disconnects by itself
            try:
                reader.follow(self.found, lambda _, until=until: self._is_over.is_set() or time.monotonic() > until)
            except UNREACHABLE:
                time.sleep(0.05)

    def expect_progress(self, seconds: float = SILENT_SECONDS) -> None:
        """Wait until a message is acknowledged. If none is within *seconds*, add a finding."""
        before, deadline = len(self.acknowledged), time.monotonic() + seconds
        while len(self.acknowledged) == before:
            if time.monotonic() > deadline:
                self.found.add("silent", f"nothing was acknowledged for {seconds:g} s")
                return
            time.sleep(0.02)

    def finish(self) -> Findings:
        """Stop the writers, give the readers some seconds to receive the rest, and return the findings."""
        self._is_writing_over.set()
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
        self._check(rows)
        return self.found

    def _rows(self) -> list[Any]:
        with self.app.app_context():
            db.engine.dispose()  # its connections may be to a server that was killed
            m = Message
            reacted = exists().where(Reaction.message_id == m.id, Reaction.user_id == m.sender_id).label("is_reacted")
            columns = (m.seq, m.modseq, m.id, m.content, m.client_message_id.label("key"), m.deleted_at, reacted)
            statement = select(*columns).where(m.conversation_id == self.name).order_by(m.seq)
            return list(db.session.execute(statement).all())

    def _check(self, rows: list[Any]) -> None:
        by_key: dict[str, Any] = {}
        for row in rows:
            if by_key.setdefault(row.key, row) is not row:
                self.found.add("doubled", f"{row.key} is message {by_key[row.key].seq}, and {row.seq}")
        for key, message in self.acknowledged.items():
            row = by_key.get(key)
            if row is None or (row.seq, row.id) != (message["seq"], message["id"]) or row.modseq < message["modseq"]:
                self.found.add("lost", f"{key} was acknowledged as {message['seq']}, and is {row}")
            elif not self.expected[key].matches(row):
                self.found.add("lost", f"{self.expected[key]} was acknowledged, and is {row}")
        for place, row in enumerate(rows, 1):
            if row.seq != place:
                self.found.add("reordered", f"message {place} of the database is {row.seq}")
        for number in range(len(self.writers)):
            own = [int(row.key.partition("-")[2]) for row in rows if row.key.startswith(f"w{number}-")]
            for earlier, later in pairwise(own):
                if later < earlier:
                    self.found.add("reordered", f"writer {number}'s {earlier} came before {later}")
        self._check_readers(rows)

    def _check_readers(self, rows: list[Any]) -> None:
        modseqs = {row.modseq for row in rows}
        for number, reader in enumerate(self.readers):
            self.found.missing(f"reader {number} never received messages", {row.seq for row in rows} - reader.seqs)
            for socket, start, received in reader.stretches:
                reach = set(range(start + 1, max(received, default=start) + 1))
                self.found.missing(
                    f"reader {number} did not receive modseqs over socket {socket}", modseqs & reach - received
                )
