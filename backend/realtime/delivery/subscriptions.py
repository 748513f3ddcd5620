"""Bootstrapping of subscribers: from the modseq that a client has to the position of the channel."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from backend.events import Event, room_deleted_event
from backend.realtime.delivery import history
from backend.realtime.delivery.channel import SeenMessages
from backend.realtime.delivery.channels import Channels
from backend.realtime.transport.connection import Connection

Positions = dict[str, tuple[int, int | None]]
"""The (modseq, seq) from which each conversation continues, as in `PendingSubscription`."""


@dataclass(slots=True, eq=False)
class PendingSubscription:
    """A connection that has received everything up to modseq `since`, and is not yet a subscriber of the channel.

    `seq` is the last message that it has seen; None until the database was asked. `room_updated_at` is the last change of the
    room that its client can know; None where that is not known. `is_in_progress` until a greenlet has read the missed events, or
    has failed to.
    """

    connection: Connection
    name: str
    since: int
    seq: int | None
    room_updated_at: datetime | None = None
    is_in_progress: bool = True


class SubscriptionManager:
    """Which connection subscribes to which conversation, and from where."""

    def __init__(self, channels: Channels):
        self.channels = channels
        self.pending: dict[tuple[Connection, str], PendingSubscription] = {}
        self._bootstrapping: dict[Connection, dict[str, int | None]] = {}

    @contextmanager
    def bootstrapping(self, connection: Connection) -> Iterator[dict[str, int | None]]:
        """A context in which *connection* determines by itself what it subscribes to, and from where.

        No other greenlet subscribes it meanwhile: such a subscription would start where its user joined, and repeat what the
        connection reads by itself. Yields the conversations, each with a modseq or None, that `needs_subscription` noted in the
        context. The caller subscribes the connection to them afterwards.
        """
        noted: dict[str, int | None] = {}
        self._bootstrapping[connection] = noted
        try:
            yield noted
        finally:
            del self._bootstrapping[connection]

    def is_bootstrapping(self, connection: Connection) -> bool:
        """Whether *connection* is in the context above."""
        return connection in self._bootstrapping

    def needs_subscription(self, connections: Collection[Connection], name: str, since: int | None) -> bool:
        """Whether one of *connections* has yet to be subscribed to a conversation that its user joined after modseq *since*.

        For a connection that is bootstrapping the conversation is noted instead.
        """
        is_needed = False
        for connection in connections:
            noted = self._bootstrapping.get(connection)
            if noted is None:
                is_needed = is_needed or can_subscribe(connection, name)
            elif since is not None or name not in noted:
                noted[name] = since
        return is_needed

    def begin(
        self, connection: Connection, name: str, since: int, seq: int | None, room_updated_at: datetime | None
    ) -> PendingSubscription:
        """Record that *connection* is to receive every event of a conversation after modseq *since*. `catch_up` does the rest.

        From now on the worker follows the conversation, if the last message that the client has seen is known.
        """
        connection.conversations.add(name)
        if seq is not None:
            self.channels.open(name, since, seq, room_updated_at).start_catching_up(connection)
        pending = PendingSubscription(connection, name, since, seq, room_updated_at)
        self.pending[connection, name] = pending
        return pending

    def stalled(self) -> list[PendingSubscription]:
        """The subscriptions that an unavailable database interrupted."""
        return [pending for pending in self.pending.values() if not pending.is_in_progress]

    def catch_up(self, pending: PendingSubscription) -> Iterator[list[Event]]:
        """Read what *pending* misses, and yield it a page at a time; then make its connection a subscriber of the channel.

        The caller writes each page before it asks for the next one. The last page has the events without a modseq that arrived
        meanwhile. The live events continue it exactly: no greenlet runs between the comparison with the channel and the
        subscription. Ends early where the connection was unsubscribed meanwhile. Needs a context that reads. Where the database
        is unavailable, the subscription stays pending.
        """
        connection, name = pending.connection, pending.name
        key = (connection, name)
        pending.is_in_progress = True
        try:
            if pending.seq is None:
                pending.seq = history.last_seq_at(name, pending.since)
            seen = SeenMessages(pending.seq)
            while self.pending.get(key) is pending:
                channel = self.channels.open(name, pending.since, pending.seq, pending.room_updated_at)
                if channel.delivered <= pending.since:
                    del self.pending[key]
                    yield channel.add_subscriber(connection, pending.since)
                    return
                channel.start_catching_up(connection)
                changes = history.load_changes(name, pending.since)
                if self.pending.get(key) is not pending:
                    return
                if changes.upto <= pending.since and not changes.is_deleted:
                    channel.reset(pending.since, pending.seq)  # the database has lost what the channel delivered
                    continue
                yield self._missed(connection, name, changes, seen)
                pending.since, pending.seq = changes.upto, seen.last
        finally:
            pending.is_in_progress = False

    def _missed(self, connection: Connection, name: str, changes: history.Changes, seen: SeenMessages) -> list[Event]:
        """The events of *changes* that *connection* may receive: up to its user's removal, or the deletion of the room."""
        events: list[Event] = []
        for event in [*changes.events, *([room_deleted_event(name)] if changes.is_deleted else [])]:
            events.append(seen.with_type(event))
            is_removed = event.type == "member.left" and event.author_id == connection.user_id
            if is_removed or event.type == "room.deleted":
                self.unsubscribe(connection, name)
                break
        return events

    def pause(self, connection: Connection) -> Positions:
        """Deliver no conversation to *connection* for a while. Returns the positions from which it can be subscribed again.

        The events without a modseq are kept until then: the positions do not tell which of them it has missed.
        """
        positions: Positions = {}
        for name in connection.conversations:
            pending = self.pending.pop((connection, name), None)
            channel = self.channels.get(name)
            if pending is not None:
                positions[name] = (pending.since, pending.seq)
            elif channel is not None:
                positions[name] = (channel.start_catching_up(connection), channel.seen.last)
        return positions

    def unsubscribe(self, connection: Connection, name: str) -> None:
        """Deliver nothing more of a conversation to *connection*, and stop its bootstrapping."""
        self.pending.pop((connection, name), None)
        self.channels.unsubscribe(connection, name)

    def unsubscribe_all(self, connection: Connection) -> None:
        """Deliver nothing more to *connection*."""
        for name in list(connection.conversations):
            self.unsubscribe(connection, name)


def can_subscribe(connection: Connection, name: str) -> bool:
    """Whether *connection* may read, and has not subscribed to the conversation yet."""
    return name not in connection.conversations and connection.may_read
