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
from collections.abc import Callable, Iterable
from itertools import pairwise
from threading import Event, Thread
from typing import Any

from flask import Flask
from sqlalchemy import exists, select

from backend.models import Message, Reaction
from backend.models.base import db
from tests.chaos.fresh import FreshRead
from tests.chaos.readers import Findings, Reader
from tests.chaos.writers import PAUSE_SECONDS, UNREACHABLE, Writer
from tests.realtime.client import Api

LATE_SECONDS = 6.0
STRETCH_SECONDS = 2.5
SILENT_SECONDS = 20.0
"""Longer than the 10 s after which a writer gives up on an answer and tries again."""


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
        *,
        change_chance: float = 0.4,
        attachment_chance: float = 0.1,
        stretch_seconds: float = STRETCH_SECONDS,
        late_seconds: float = LATE_SECONDS,
    ):
        self.app = app
        self.stretch_seconds, self.late_seconds = stretch_seconds, late_seconds
        self.found = Findings()
        self.errors: list[BaseException] = []
        owner, *others = users
        room = owner.room(*others)
        self.name: str = room["conversation_id"]
        writing, reading = users[: len(users) - readers], users[len(users) - readers :]
        chances = change_chance, attachment_chance
        self.writers = [Writer(n, api, owner, room, self.found, *chances) for n, api in enumerate(writing)]
        self.readers = [Reader(api, self.name, len(users)) for api in reading]
        self._is_over = Event()
        self._writing = [Thread(target=self._guarded, args=[writer.run]) for writer in self.writers]
        self._reading = [Thread(target=self._guarded, args=[self._read, *each]) for each in enumerate(self.readers)]

    @property
    def acknowledged(self) -> int:
        """How many messages were acknowledged so far."""
        return sum(len(writer.acknowledged) for writer in self.writers)

    @property
    def changed(self) -> int:
        """How many changes of messages were acknowledged so far."""
        return sum(writer.changed for writer in self.writers)

    @property
    def pinned(self) -> int:
        """How many of the acknowledged changes were pins, or took pins back."""
        return sum(writer.pinned for writer in self.writers)

    @property
    def uploaded(self) -> int:
        """How many uploads were acknowledged so far."""
        return sum(writer.uploaded for writer in self.writers)

    def start(self) -> None:
        """Start the writers and the readers."""
        for thread in self._writing + self._reading:
            thread.start()

    def _guarded(self, work: Callable[..., None], *args: Any) -> None:
        try:
            work(*args)
        except BaseException as error:  # noqa: BLE001  # `finish` raises it in the thread of the test
            self.errors.append(error)

    def _read(self, number: int, reader: Reader) -> None:
        chance = random.Random(number)
        while not self._is_over.is_set():
            # The first reader never disconnects by itself.
            until = time.monotonic() + (1e9 if number == 0 else chance.uniform(0.1, self.stretch_seconds))
            try:
                reader.follow(self.found, lambda _, until=until: self._is_over.is_set() or time.monotonic() > until)
            except UNREACHABLE:
                time.sleep(PAUSE_SECONDS)

    def expect_progress(self, seconds: float = SILENT_SECONDS) -> None:
        """Wait until a message is acknowledged. If none is within *seconds*, add a finding."""
        before, deadline = self.acknowledged, time.monotonic() + seconds
        while self.acknowledged == before:
            if time.monotonic() > deadline:
                self.found.add("silent", f"nothing was acknowledged for {seconds:g} s")
                return
            time.sleep(0.02)

    def finish(self) -> Findings:
        """Stop the writers, give the readers some seconds to receive the rest, and return the findings."""
        for writer in self.writers:
            writer.is_over.set()
        _join(self._writing)
        rows = self._rows()
        head = max((row.modseq for row in rows), default=0)
        deadline = time.monotonic() + self.late_seconds
        while time.monotonic() < deadline and any(reader.position < head for reader in self.readers):
            time.sleep(0.05)
        self._is_over.set()
        _join(self._reading)
        if self.errors:
            raise self.errors[0]
        self._check(rows)
        fresh = FreshRead(self.readers[0].api, self.name)
        fresh.compare_readers(self.readers, self.found)
        fresh.compare_pins(self.found)
        fresh.compare_attachments([each for writer in self.writers for each in writer.expected.values()], self.found)
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
        for writer in self.writers:
            for key, message in writer.acknowledged.items():
                row = by_key.get(key)
                if (
                    row is None
                    or (row.seq, row.id) != (message["seq"], message["id"])
                    or row.modseq < message["modseq"]
                ):
                    self.found.add("lost", f"{key} was acknowledged as {message['seq']}, and is {row}")
                elif not writer.expected[key].matches(row):
                    self.found.add("lost", f"{writer.expected[key]} was acknowledged, and is {row}")
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


def _join(threads: Iterable[Thread]) -> None:
    """Wait for the end of *threads*, whose calls all have a limit of time."""
    for thread in threads:
        thread.join(60)
        if thread.is_alive():
            raise AssertionError(f"{thread.name} has not ended within 60 s")
