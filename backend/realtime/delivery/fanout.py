"""Fan-out: encodes each event once, and writes it to the subscribers of its conversation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import compress

from backend.events import Event
from backend.realtime.delivery.channel import Channel
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import author_frame, event_frame
from backend.realtime.transport.registry import Registry


class EncodedEvents:
    """Events encoded for many sockets: once for everybody, and once more for each event's author where they see more."""

    def __init__(self, events: Sequence[Event]):
        self._events = events
        self._of_author: dict[int, list[bytes]] = {}
        self.public = [event_frame(event) for event in events]
        self.authors = {event.author_id for event in events if event.author_id is not None}

    def of(self, user_id: int) -> list[bytes]:
        """The frames that *user_id* gets, one for each event."""
        if user_id not in self.authors:
            return self.public
        if user_id not in self._of_author:
            self._of_author[user_id] = [
                author_frame(event) if event.author_id == user_id and event.author_only else frame
                for event, frame in zip(self._events, self.public, strict=True)
            ]
        return self._of_author[user_id]


class Fanout:
    """Writes events to sockets. Never waits."""

    def __init__(self, registry: Registry, metrics: Counter[str]):
        self._registry = registry
        self._metrics = metrics

    def send(self, channel: Channel, events: Sequence[Event]) -> None:
        """Write *events* to all subscribers, in one write each.

        The authors' sockets come first: their next messages are committed while the others are served (docs/decisions/0011).
        """
        self._metrics["events"] += len(events)
        frames = EncodedEvents(events)
        users = self._registry.users
        authors = [c for user_id in frames.authors for c in users.get(user_id, ()) if c in channel.subscribers]
        others = channel.subscribers.difference(authors)
        if channel.start_offsets or any(event.source_connection for event in events):
            for connection in (*authors, *others):
                is_due = [
                    channel.should_receive(connection, e) and e.source_connection != connection.uid for e in events
                ]
                if any(is_due):
                    connection.write(b"".join(compress(frames.of(connection.user_id), is_due)))
            return
        for connection in authors:
            connection.write(b"".join(frames.of(connection.user_id)))
        joined = b"".join(frames.public)
        for connection in others:
            connection.write(joined)

    def send_to(self, connection: Connection, events: Sequence[Event]) -> None:
        """Write *events* to one socket."""
        if events:
            connection.write(b"".join(EncodedEvents(events).of(connection.user_id)))
