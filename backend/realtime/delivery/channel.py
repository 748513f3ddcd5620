"""The order of one conversation as this worker delivers it. No I/O here: the hub feeds it, and does what it asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from backend.events import Event

if TYPE_CHECKING:
    from backend.realtime.transport.connection import Connection

MOST_MISSING = 1_000

LONG_SECONDS = 0.001
"""A delivery that takes longer than this has many listeners."""

LEAST_REST, MOST_REST = 0.5, 2.5
"""How long the rest after a long delivery is, in times of its length."""


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
    again is dropped. What comes while the channel rests waits in `arrived` to be looked at.
    """

    __slots__ = (
        "_gathered", "_rests_at_least_until", "_rests_until", "arrived", "delivered", "early", "floors", "is_repairing",
        "is_resting", "is_waiting", "listeners", "name", "room_updated_at", "told",
    )  # fmt: skip

    def __init__(self, name: str, modseq: int, seq: int):
        self.name = name
        self.delivered = modseq
        self.told = Told(seq)
        self.arrived: list[Event] = []
        self.is_resting = False
        self._rests_at_least_until = self._rests_until = 0.0
        self._gathered = 0
        self.early: dict[int, Event] = {}
        self.listeners: set[Connection] = set()
        self.floors: dict[Connection, int] = {}
        self.is_repairing = self.is_waiting = False
        self.room_updated_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        """Whether as much has arrived as went out the last time: who speak in turns have all spoken."""
        return len(self.arrived) >= self._gathered

    @property
    def due_at(self) -> float:
        """When that which has arrived is to be looked at; in the past where the channel does not rest."""
        return self._rests_at_least_until if self.is_complete else self._rests_until

    def rest(self, began: float, ended: float, count: int) -> None:
        """Rest after a delivery of *count* events, if it took long. Times are seconds of the hub's clock."""
        length = ended - began
        if length > LONG_SECONDS:
            self._rests_at_least_until, self._rests_until = ended + LEAST_REST * length, ended + MOST_REST * length
            self._gathered = count

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
