"""The order of one conversation as this worker delivers it. No I/O here: the hub feeds it, and does what it asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from backend.realtime.events import Event

if TYPE_CHECKING:
    from backend.realtime.connection import Connection


class Channel:
    """What a worker knows of a conversation that someone here follows.

    `delivered` is the modseq up to which everything went out. An event that comes early waits in `early`; one that comes
    again is dropped.
    """

    __slots__ = (
        "delivered", "early", "floors", "is_repairing", "known_seq", "listeners", "name", "room_updated_at", "waits_since",
    )  # fmt: skip

    def __init__(self, name: str, modseq: int, seq: int):
        self.name = name
        self.delivered = modseq
        self.known_seq = seq
        self.early: dict[int, Event] = {}
        self.listeners: set[Connection] = set()
        self.floors: dict[Connection, int] = {}
        self.is_repairing = False
        self.waits_since: float | None = None
        self.room_updated_at: datetime | None = None

    def offer(self, events: Iterable[Event]) -> list[Event]:
        """Take events in whatever order they come; returns those whose turn it is, in order."""
        for event in events:
            if event.modseq is not None and event.modseq > self.delivered:
                self.early[event.modseq] = event
        return self._ready()

    def repair(self, events: Iterable[Event], upto: int) -> list[Event]:
        """Take what the database holds up to *upto*: all that is missing, for a number that is absent there was superseded."""
        fresh = sorted((e for e in events if self.delivered < (e.modseq or 0) <= upto), key=lambda e: e.modseq or 0)
        if upto > self.delivered:
            self.delivered = upto
        for event in fresh:
            self._learn(event)
        self.early = {modseq: event for modseq, event in self.early.items() if modseq > upto}
        return fresh + self._ready()

    @property
    def has_gap(self) -> bool:
        """Whether something waits for a number that has not come."""
        return bool(self.early)

    def _ready(self) -> list[Event]:
        ready = []
        while (event := self.early.pop(self.delivered + 1, None)) is not None:
            self.delivered += 1
            self._learn(event)
            ready.append(event)
        return ready

    def _learn(self, event: Event) -> None:
        message = event.body.get("message")
        if message is not None and message["seq"] > self.known_seq:
            self.known_seq = message["seq"]

    def add(self, connection: Connection, since: int) -> None:
        """Let *connection* hear everything after *since*, which is not behind what was delivered."""
        self.listeners.add(connection)
        if since > self.delivered:
            self.floors[connection] = since

    def discard(self, connection: Connection) -> None:
        """Let *connection* hear nothing any more."""
        self.listeners.discard(connection)
        self.floors.pop(connection, None)

    def hears(self, connection: Connection, event: Event) -> bool:
        """Whether *event* is news to *connection*: one that caught up ahead of the channel has seen it already."""
        floor = self.floors.get(connection)
        if floor is None or event.modseq is None:
            return True
        if event.modseq > floor:
            del self.floors[connection]
            return True
        return False
