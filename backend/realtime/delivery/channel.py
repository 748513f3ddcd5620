"""The order of one conversation's events. Pure: no I/O and no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from backend.events import Event

if TYPE_CHECKING:
    from backend.realtime.transport.connection import Connection

MAX_UNSEEN = 1_000


class SeenMessages:
    """Which messages of a conversation were delivered: all up to `last`, but for the few whose event was superseded."""

    __slots__ = ("_unseen", "last")

    def __init__(self, last: int):
        self.last = last
        self._unseen: set[int] = set()

    def with_type(self, event: Event) -> Event:
        """*event* as `message.created` when its message is delivered first, and as `message.updated` afterwards."""
        message = event.body.get("message")
        if message is None:
            return event
        type_ = "message.created" if self._see(message["seq"]) else "message.updated"
        if event.type in (type_, "message.deleted"):
            return event
        return replace(event, type=type_)

    def _see(self, seq: int) -> bool:
        """Mark a message as seen. True where it was unseen."""
        if seq > self.last:
            self._unseen.update(range(max(self.last + 1, seq - MAX_UNSEEN), seq))
            self.last = seq
            return True
        if seq in self._unseen:
            self._unseen.discard(seq)
            return True
        return False


class Channel:
    """A conversation with at least one subscriber in this worker.

    `delivered` is the modseq up to which every event was delivered. An event that arrives ahead of its turn is kept in
    `reorder_buffer`; a repeated one is dropped. `start_offsets` holds the modseq from which a subscriber receives events, where
    it is ahead of the channel. `catching_up` holds the connections that read what they missed, each with the events without a
    modseq that arrived meanwhile. `room_updated_at` is the change of the room that the subscribers were sent, or could read when
    they subscribed; None where that is not known.
    """

    __slots__ = (
        "catching_up", "delivered", "is_repair_scheduled", "is_repairing", "name", "reorder_buffer", "room_updated_at",
        "seen", "start_offsets", "subscribers",
    )  # fmt: skip

    def __init__(self, name: str, modseq: int, seq: int, room_updated_at: datetime | None = None):
        self.name = name
        self.delivered = modseq
        self.seen = SeenMessages(seq)
        self.reorder_buffer: dict[int, Event] = {}
        self.subscribers: set[Connection] = set()
        self.start_offsets: dict[Connection, int] = {}
        self.catching_up: dict[Connection, dict[tuple[str, int | None], Event]] = {}
        self.is_repairing = self.is_repair_scheduled = False
        self.room_updated_at = room_updated_at

    @property
    def has_gap(self) -> bool:
        """Whether an event is buffered whose predecessor has not arrived."""
        return bool(self.reorder_buffer)

    def push(self, events: Iterable[Event]) -> list[Event]:
        """Accept events in any order. Returns those that can be delivered now, in modseq order."""
        for event in events:
            if event.modseq is not None and event.modseq > self.delivered:
                self.reorder_buffer[event.modseq] = event
        return self._pop_ready()

    def repair(self, events: Iterable[Event], upto: int) -> list[Event]:
        """Accept what the database holds up to modseq *upto*, in order. A number that is absent there was superseded.

        Returns the events that can be delivered now, in modseq order.
        """
        missed = [self.seen.with_type(event) for event in events if self.delivered < (event.modseq or 0) <= upto]
        self.delivered = max(self.delivered, upto)
        self.reorder_buffer = {
            modseq: event for modseq, event in self.reorder_buffer.items() if modseq > self.delivered
        }
        return missed + self._pop_ready()

    def reset(self, modseq: int, seq: int) -> None:
        """Start again from *modseq*: the database was restored from a backup, and assigns the later numbers anew."""
        self.delivered, self.seen, self.reorder_buffer = modseq, SeenMessages(seq), {}

    def _pop_ready(self) -> list[Event]:
        ready = []
        while (event := self.reorder_buffer.pop(self.delivered + 1, None)) is not None:
            self.delivered += 1
            ready.append(self.seen.with_type(event))
        return ready

    # -- subscribers

    @property
    def is_unused(self) -> bool:
        """Whether no connection receives the events, now or once it has caught up."""
        return not self.subscribers and not self.catching_up

    def add_subscriber(self, connection: Connection, since: int) -> list[Event]:
        """Deliver to *connection* every event after modseq *since*, which is not less than `delivered`.

        Returns the events that were kept while it caught up. The caller sends them before any later one.
        """
        self.subscribers.add(connection)
        if since > self.delivered:
            self.start_offsets[connection] = since
        return list(self.catching_up.pop(connection, {}).values())

    def start_catching_up(self, connection: Connection) -> int:
        """Deliver nothing to *connection* until `add_subscriber`, and keep what it could not read from the database then.

        Returns the modseq up to which it has received everything, if it was a subscriber.
        """
        self.subscribers.discard(connection)
        self.catching_up.setdefault(connection, {})
        return max(self.start_offsets.pop(connection, 0), self.delivered)

    def keep(self, connection: Connection, event: Event) -> None:
        """Keep an event without a modseq for *connection*, which catches up: the last one of each type and author."""
        if event.source_connection != connection.uid:
            kept, key = self.catching_up[connection], (event.type, event.author_id)
            kept.pop(key, None)
            kept[key] = event

    def remove_subscriber(self, connection: Connection) -> None:
        """Deliver nothing more to *connection*, and keep nothing for it."""
        self.subscribers.discard(connection)
        self.start_offsets.pop(connection, None)
        self.catching_up.pop(connection, None)

    def should_receive(self, connection: Connection, event: Event) -> bool:
        """Whether *connection* has not received *event* yet. One that subscribed ahead of the channel may have read it before."""
        offset = self.start_offsets.get(connection)
        if offset is None or event.modseq is None:
            return True
        if event.modseq > offset:
            del self.start_offsets[connection]
            return True
        return False
