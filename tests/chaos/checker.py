"""A checker like Jepsen: writers and readers work while parts are killed, and then what they saw is compared with the database.

Writers send one message after the other, some with attachments, and repeat one that was not acknowledged under the same key.
Between sends they edit, delete, react to and pin their own messages. Readers connect and disconnect at random, resume, and
record each frame. The findings are:

- lost: a message, a change or an attachment that was acknowledged is not in the database as it was acknowledged;
- doubled: a message is in the database twice under one key, or a socket received a modseq twice, or live after an earlier socket;
- reordered: a modseq arrived after a later one, the seqs have a gap, or the messages of a writer are not in the order sent;
- missing: a socket received a later modseq without this one, or a reader never received a message, or not within seconds;
- stale: a reader holds a message with its last modseq and other content, or the list of pinned messages contradicts the messages;
- altered: an attachment cannot be downloaded, or has other bytes than were uploaded;
- silent: nothing was acknowledged for long, although no fault was active any more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import pairwise
from threading import Event, Lock, Thread
from typing import Any

import requests
from flask import Flask
from sqlalchemy import exists, select
from websockets.exceptions import WebSocketException

from backend.models import Message, Reaction
from backend.models.base import db
from tests.attachments.files import image, small_file
from tests.chaos.expected import Expected
from tests.chaos.fresh import FreshRead
from tests.chaos.readers import Findings, Reader, RecordingClient
from tests.realtime.client import Api, Frame, LiveClient

UNREACHABLE = (OSError, EOFError, WebSocketException, TimeoutError)
LATE_SECONDS = 6.0
STRETCH_SECONDS = 2.5
SILENT_SECONDS = 20.0
"""Longer than the 10 s after which a writer gives up on an answer and tries again."""

UNAVAILABLE: Frame = {"type": "error", "code": "unavailable"}


class Campaign:
    """Writers and readers of one room, at work from `start` until `finish`, which returns the findings.

    A message has attachments with the probability *attachment_chance*. After each send a writer changes one of its messages with
    the probability *change_chance*. Readers but the first stay connected for *stretch_seconds* at most. At the end they may take
    *late_seconds* to receive the rest.
    """

    def __init__(
        self,
        app: Flask,
        users: list[Api],
        readers: int = 3,
        seed: int = 0,
        *,
        change_chance: float = 0.4,
        attachment_chance: float = 0.1,
        stretch_seconds: float = STRETCH_SECONDS,
        late_seconds: float = LATE_SECONDS,
    ):
        self.app = app
        self.change_chance, self.attachment_chance = change_chance, attachment_chance
        self.stretch_seconds, self.late_seconds = stretch_seconds, late_seconds
        self.random = random.Random(seed)
        self.owner, *others = users
        self.room = self.owner.room(*others)
        self.name: str = self.room["conversation_id"]
        self.since = len(users)
        self.writers = users[: len(users) - readers]
        self.readers = [Reader(api, self.name, self.since) for api in users[len(users) - readers :]]
        self.acknowledged: dict[str, Frame] = {}
        self.expected: dict[str, Expected] = {}
        self.found = Findings()
        self.errors: list[BaseException] = []
        self.changed = self.uploaded = self.pinned = 0
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
        attachments: list[Frame] | None = None
        count, chance = 0, random.Random(number)
        while not self._is_writing_over.is_set():
            key = f"w{number}-{count}"
            if attachments is None:
                attachments = self._upload_some(api, chance)
            with_files = {"attachment_ids": [each["id"] for each in attachments]} if attachments else {}
            try:
                socket = socket or RecordingClient(api.url, api.token, Findings())
                message = socket.send(key, room_id=self.room["id"], client_message_id=key, **with_files)
            except (*UNREACHABLE, AssertionError):  # a fault is active: send it again under the same key
                if socket is not None:
                    socket.close()
                    socket = None
                time.sleep(0.05)
                continue
            with self._lock:
                self.acknowledged[key] = message
                self.expected[key] = Expected(api.id, message["id"], key, attachments=attachments)
                if message["attachments"] != attachments:
                    self.found.add("lost", f"{key} was sent with {attachments}, and acknowledged as {message}")
            count, attachments = count + 1, None
            socket = self._change_one(socket, api, f"w{number}-", chance)
        if socket is not None:
            socket.close()

    def _upload_some(self, api: Api, chance: random.Random) -> list[Frame]:
        """Upload the attachments of the next message. An upload that is not acknowledged is repeated, and its file never sent."""
        uploaded: list[Frame] = []
        count = chance.randint(1, 3) if chance.random() < self.attachment_chance else 0
        while len(uploaded) < count and not self._is_writing_over.is_set():
            try:
                uploaded.append(api.upload(*chance.choice([small_file, image])(chance)))
            except (requests.RequestException, AssertionError):  # a fault is active
                time.sleep(0.05)
        with self._lock:
            self.uploaded += len(uploaded)
        return uploaded

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
                if frame["type_"] in ("pin", "unpin"):
                    answer = self._set_pin(target, frame["type_"])
                else:
                    current = current or RecordingClient(api.url, api.token, Findings())
                    answer = current.call(**frame)
            except requests.RequestException:
                answer = UNAVAILABLE
            except (*UNREACHABLE, AssertionError):
                answer = UNAVAILABLE
                if current is not None:
                    current.close()
                    current = None
            if answer["type"] != "error":
                with self._lock:
                    self.changed += 1
                    self.pinned += frame["type_"] in ("pin", "unpin")
                    self.expected[changed.key] = changed
                return current
            if answer["code"] != "unavailable":
                self.found.add("lost", f"{target} could not be changed by {frame}: {answer}")
                return current
            time.sleep(0.05)
        target.is_uncertain = True
        return current

    def _set_pin(self, target: Expected, kind: str) -> Frame:
        """Pin or unpin a message as the owner of the room. Returns the answer as the socket would return it."""
        path = f"{self.owner.url}/api/chat/messages/{target.message_id}/pin"
        headers = {"Authorization": f"Bearer {self.owner.token}"}
        answer = requests.request("PUT" if kind == "pin" else "DELETE", path, headers=headers, timeout=10)
        if not answer.ok:
            return {"type": "error", "code": answer.json()["code"]}
        message: Frame = answer.json()
        if message["is_pinned"] != (kind == "pin"):
            self.found.add("lost", f"{kind} was acknowledged with {message}")
        return {"type": "ack", "message": message}

    def _read(self, number: int, reader: Reader) -> None:
        chance = random.Random(number)
        while not self._is_over.is_set():
            until = time.monotonic() + (
                1e9 if number == 0 else chance.uniform(0.1, self.stretch_seconds)
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
        deadline = time.monotonic() + self.late_seconds
        while time.monotonic() < deadline and any(reader.position < head for reader in self.readers):
            time.sleep(0.05)
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)
        if self.errors:
            raise self.errors[0]
        self._check(rows)
        fresh = FreshRead(self.readers[0].api, self.name)
        fresh.compare_readers(self.readers, self.found)
        fresh.compare_pins(self.found)
        fresh.compare_attachments(list(self.expected.values()), self.found)
        return self.found

    def _rows(self) -> list[Any]:
        with self.app.app_context():
            db.engine.dispose()  # its connections may be to a server that was killed
            m = Message
            reacted = exists().where(Reaction.message_id == m.id, Reaction.user_id == m.sender_id).label("is_reacted")
            columns = (
                m.seq,
                m.modseq,
                m.id,
                m.content,
                m.client_message_id.label("key"),
                m.is_pinned,
                m.deleted_at,
                reacted,
            )
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
