"""The order of one conversation as this worker delivers it. No I/O here: the hub feeds it, and does what it asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from backend.realtime.events import Event

if TYPE_CHECKING:
    from backend.realtime.connection import Connection

MOST_MISSING = 1_000


class Told:
    """Which messages of a conversation were told: all up to `last`, but for the few whose news was overtaken by a change."""

    __slots__ = ("_missing", "last")

    def __init__(self, last: int):
        self.last = last
        self._missing: set[int] = set()

    def name(self, event: Event) -> Event:
        """*event* under the name that fits: a message is created when it is told first, and updated from then on."""
        message = event.body.get("message")
        if message is None:
            return event
        type_ = "message.created" if self._is_news(message["seq"]) else "message.updated"
        if event.type in (type_, "message.deleted"):
            return event
        return replace(event, type=type_)

    def _is_news(self, seq: int) -> bool:
        if seq > self.last:
            self._missing.update(range(max(self.last + 1, seq - MOST_MISSING), seq))
            self.last = seq
            return True
        if seq in self._missing:
            self._missing.discard(seq)
            return True
        return False


class Channel:
    """What a worker knows of a conversation that someone here follows.

    `delivered` is the modseq up to which everything went out. An event that comes early waits in `early`; one that comes
    again is dropped. What comes while the channel rests, until `rests_until`, waits in `arrived` to be looked at.
    """

    __slots__ = (
        "arrived", "delivered", "early", "floors", "is_repairing", "is_resting", "is_waiting", "listeners", "name",
        "rests_until", "room_updated_at", "told",
    )  # fmt: skip

    def __init__(self, name: str, modseq: int, seq: int):
        self.name = name
        self.delivered = modseq
        self.told = Told(seq)
        self.arrived: list[Event] = []
        self.rests_until = 0.0
        self.is_resting = False
        self.early: dict[int, Event] = {}
        self.listeners: set[Connection] = set()
        self.floors: dict[Connection, int] = {}
        self.is_repairing = self.is_waiting = False
        self.room_updated_at: datetime | None = None

    def offer(self, events: Iterable[Event]) -> list[Event]:
        """Take events in whatever order they come; returns those whose turn it is, in order."""
        for event in events:
            if event.modseq is not None and event.modseq > self.delivered:
                self.early[event.modseq] = event
        return self._ready()

    def repair(self, events: Iterable[Event], upto: int) -> list[Event]:
        """Take what the database holds up to *upto*, in order: a number that is absent there was superseded."""
        fresh = [self.told.name(event) for event in events if self.delivered < (event.modseq or 0) <= upto]
        self.delivered = max(self.delivered, upto)
        self.early = {modseq: event for modseq, event in self.early.items() if modseq > self.delivered}
        return fresh + self._ready()

    def set_back(self, modseq: int, seq: int) -> None:
        """The database was restored from a backup, and gives its numbers again."""
        self.delivered, self.told, self.early = modseq, Told(seq), {}

    @property
    def has_gap(self) -> bool:
        """Whether something waits for a number that has not come."""
        return bool(self.early)

    def _ready(self) -> list[Event]:
        ready = []
        while (event := self.early.pop(self.delivered + 1, None)) is not None:
            self.delivered += 1
            ready.append(self.told.name(event))
        return ready

    def add(self, connection: Connection, since: int) -> None:
        """Let *connection* hear everything after *since*, which is not behind what was delivered."""
        self.listeners.add(connection)
        if since > self.delivered:
            self.floors[connection] = since

    def discard(self, connection: Connection) -> int:
        """Let *connection* hear nothing any more. Returns the modseq up to which it has heard everything."""
        self.listeners.discard(connection)
        return max(self.floors.pop(connection, 0), self.delivered)

    def hears(self, connection: Connection, event: Event) -> bool:
        """Whether *event* is news to *connection*: one that caught up ahead of the channel has seen it already."""
        floor = self.floors.get(connection)
        if floor is None or event.modseq is None:
            return True
        if event.modseq > floor:
            del self.floors[connection]
            return True
        return False
