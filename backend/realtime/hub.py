"""The hub of a worker: takes events from the bus, and delivers those of each conversation in order to this worker's sockets.

Only tasks that read the database wait, each in a greenlet of its own. The bus may lose, repeat or reorder events: the modseqs
of a channel and the database make up for it (delivery/channel.py, reconciler.py).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from backend.bus.base import Bus
from backend.database import is_unavailable
from backend.events import Event, connected_event, publish, room_deleted_event
from backend.realtime.delivery import history
from backend.realtime.delivery.channel import Channel
from backend.realtime.delivery.channels import Channels
from backend.realtime.delivery.fanout import Fanout
from backend.realtime.delivery.pacing import Pacer
from backend.realtime.delivery.room_updates import RoomUpdates
from backend.realtime.delivery.subscriptions import PendingSubscription, SubscriptionManager, can_subscribe
from backend.realtime.presence.tracker import PresenceTracker
from backend.realtime.presence.typing import TypingTracker
from backend.realtime.runtime import Runtime
from backend.realtime.session_checks import SessionChecks
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import Close, event_frame, text_frame
from backend.realtime.transport.registry import Registry

log = logging.getLogger("confab.realtime")

GAP_TIMEOUT = 0.05
"""Seconds that an event which arrived ahead of its turn waits for its predecessors; then they are read from the database."""


class Hub:
    """Routes events between the bus and the connections of one worker."""

    def __init__(
        self, runtime: Runtime, bus: Bus, registry: Registry, presence: PresenceTracker, metrics: Counter[str]
    ):
        self.runtime = runtime
        self.registry = registry
        self.presence = presence
        self.metrics = metrics
        self.channels = Channels(bus)
        self.subscriptions = SubscriptionManager(self.channels)
        self.fanout = Fanout(registry, metrics)
        self.typing = TypingTracker(self.channels)
        self.room_updates = RoomUpdates(runtime)
        self.session_checks = SessionChecks(runtime)
        self._bus = bus
        self._pacer = Pacer(self._push)
        self._is_stopping = False

    # -- connections

    def add(self, connection: Connection) -> None:
        """Register a connection that was opened; an older one of the same client is closed (4409)."""
        if self.registry.add(connection):
            self._bus.subscribe(f"u:{connection.user_id}")
            self.presence.users_changed()
        if self._is_stopping:
            connection.close(Close.RESTARTING)

    def remove(self, connection: Connection, code: int) -> None:
        """Unregister a connection that was closed with *code*."""
        if code == Close.TOO_SLOW:
            self.metrics["too_slow"] += 1
        if connection.slot is not None:
            connection.slot.release()
        self.subscriptions.unsubscribe_all(connection)
        if self.registry.remove(connection):
            self._bus.unsubscribe(f"u:{connection.user_id}")
            self.presence.users_changed()

    def announce(self, connections: Iterable[Connection]) -> None:
        """Publish that these connections are open, so that other workers close older ones of the same client."""
        with self.runtime.app_context():
            publish([connected_event(c.user_id, c.client_id, c.uid, c.opened_at) for c in connections])

    def stop(self) -> None:
        """Close every connection (1012). Clients reconnect after a random delay."""
        self._is_stopping = True
        for connection in self.registry.connections:
            connection.close(Close.RESTARTING)

    # -- events

    def dispatch(self, events: Iterable[Event]) -> None:
        """Accept events from the bus, in any order, and deliver those whose turn it is."""
        durable: dict[str, list[Event]] = {}
        for event in events:
            if event.user_id is not None:
                self._dispatch_to_user(event.user_id, event)
            elif event.conversation_id is None:
                log.warning("dropped an event without a conversation or a user: %s", event.type)
            elif event.modseq is not None:
                durable.setdefault(event.conversation_id, []).append(event)
            else:
                self._dispatch_ephemeral(event.conversation_id, event)
        for name, group in durable.items():
            channel = self.channels.get(name)
            if channel is not None:
                self._pacer.enqueue(channel, group)

    def _dispatch_ephemeral(self, name: str, event: Event) -> None:
        """Typing, read marks and a room's own changes: sent once, to the present subscribers.

        A read mark is kept for those that catch up. Typing is repeated by itself, and the reconciler finds a deleted room.
        """
        channel = self.channels.get(name)
        if event.type == "typing":
            self.typing.handle(event)
        elif channel is not None and event.type == "control.room_updated":
            self.runtime.spawn(self.room_updates.send, channel, event.body["updated_at"])
        elif channel is not None:
            self.fanout.send(channel, [event])
            if event.type == "room.deleted":
                for connection in list(channel.subscribers):
                    self.subscriptions.unsubscribe(connection, name)
            else:
                for connection in channel.catching_up:
                    channel.keep(connection, event)

    def _dispatch_to_user(self, user_id: int, event: Event) -> None:
        connections = self.registry.of_user(user_id)
        if not connections:
            return
        if event.type == "control.conversation_opened":
            self.subscribe_user(user_id, event.body["conversation_id"], event.body["since"])
        elif event.type == "control.block_changed":
            self.presence.blocks.block_changed(event.body["by_id"], user_id)
        elif event.type == "control.device_connected":
            self._close_replaced(connections, event)
        elif event.type == "control.credentials_revoked":
            self.runtime.spawn(self.session_checks.close_revoked, connections)
        else:
            frame = event_frame(event)
            for connection in connections:
                if connection.uid != event.source_connection and connection.may_read:
                    connection.write(frame)

    def _close_replaced(self, connections: Iterable[Connection], event: Event) -> None:
        """Close the sockets of a client that are older than the announced one, and announce those that are newer.

        The worker that announces an older socket did not receive the announcement of the newer one.
        """
        opened_at, same = event.body["opened_at"], [c for c in connections if c.client_id == event.body["client_id"]]
        for older in [c for c in same if c.opened_at < opened_at and c.uid != event.source_connection]:
            older.close(Close.REPLACED)
        self.announce([c for c in same if c.opened_at > opened_at])

    # -- delivery in order

    def _push(self, channel: Channel, events: Sequence[Event]) -> None:
        self._deliver(channel, channel.push(events))
        self._schedule_gap_repair(channel)

    def _deliver(self, channel: Channel, events: Sequence[Event]) -> None:
        """Fan out *events*, which are in order, and act on changes of members: nothing later reaches a removed user."""
        batch: list[Event] = []
        for event in events:
            batch.append(event)
            if not event.type.startswith("member.") or event.author_id is None:
                continue
            if event.type == "member.joined":
                self.presence.introductions.user_joined(event.author_id, channel.name)
            if event.author_id not in self.registry.users:
                continue
            if event.type == "member.left":
                self.fanout.send(channel, batch)
                batch = []
                self._unsubscribe_leaver(channel, event)
            else:
                self.subscribe_user(event.author_id, channel.name, (event.modseq or 0) - 1)
        if batch:
            self.fanout.send(channel, batch)

    def _unsubscribe_leaver(self, channel: Channel, left: Event) -> None:
        """Unsubscribe the removed user's connections, except those already past this event: their user has rejoined."""
        for connection in [c for c in channel.subscribers if c.user_id == left.author_id]:
            if connection not in channel.start_offsets:
                self.subscriptions.unsubscribe(connection, channel.name)

    def _schedule_gap_repair(self, channel: Channel) -> None:
        """Give missing events `GAP_TIMEOUT` seconds to arrive, and then read them from the database."""
        if channel.has_gap and not channel.is_repair_scheduled:
            channel.is_repair_scheduled = True
            self.runtime.spawn(self._repair_gap, channel, after=GAP_TIMEOUT)

    def _repair_gap(self, channel: Channel) -> None:
        channel.is_repair_scheduled = False
        if channel.has_gap:
            self.repair(channel)

    def repair(self, channel: Channel) -> None:
        """Read what *channel* misses from the database, and deliver it. After a failure the reconciler repeats it."""
        if channel.is_repairing or self.channels.get(channel.name) is not channel:
            return
        channel.is_repairing = True
        self.metrics["repairs"] += 1
        try:
            with self.runtime.reading():
                is_complete = False
                while not is_complete:
                    changes = history.load_changes(channel.name, channel.delivered)
                    if changes.is_deleted:
                        self.dispatch([room_deleted_event(channel.name)])
                        return
                    self._deliver(channel, channel.repair(changes.events, changes.upto))
                    is_complete = changes.is_complete
        finally:
            channel.is_repairing = False
            self._schedule_gap_repair(channel)

    # -- subscriptions

    def subscribe(
        self, connection: Connection, name: str, since: int, seq: int | None, room_updated_at: datetime | None = None
    ) -> None:
        """Deliver to *connection* every event of a conversation after modseq *since*, each once and in order.

        *seq* is the last message that the client has seen, and *room_updated_at* the last change of the room that it can know.
        Each is None where that is not known; the reconciler then sends the room once. Needs a context that reads. Where the
        database is unavailable, the heartbeat continues the subscription (`retry_subscriptions`).
        """
        if connection.is_open and connection.may_read:
            self._catch_up(self.subscriptions.begin(connection, name, since, seq, room_updated_at))

    def subscribe_to(self, connection: Connection, heads: Iterable[history.Head]) -> None:
        """Deliver to *connection* what follows these heads of conversations, as `subscribe` does."""
        for head in heads:
            self.subscribe(connection, head.conversation_id, head.last_modseq, head.last_seq, head.room_updated_at)

    def wait_until_subscribed(self) -> None:
        """Wait until the bus brings the events of everything that was subscribed to; two seconds at most."""
        self._bus.wait_until_subscribed()

    def retry_subscriptions(self) -> None:
        """Continue the subscriptions that an unavailable database interrupted."""
        for pending in self.subscriptions.stalled():
            with self.runtime.reading():
                self._catch_up(pending)

    def _catch_up(self, pending: PendingSubscription) -> None:
        try:
            for events in self.subscriptions.catch_up(pending):
                self.fanout.send_to(pending.connection, events)
        except Exception as error:
            if not is_unavailable(error):
                log.exception("a socket could not be subscribed to %s", pending.name)

    @contextmanager
    def bootstrapping(self, connection: Connection) -> Iterator[None]:
        """A context in which *connection* alone determines what it subscribes to.

        At its end the connection is subscribed to what its user joined meanwhile.
        """
        joined: dict[str, int | None] = {}
        try:
            with self.subscriptions.bootstrapping(connection) as joined:
                yield
        finally:
            for name, since in joined.items():
                self.subscribe_user(connection.user_id, name, since)

    def subscribe_user(self, user_id: int, name: str, since: int | None = None) -> None:
        """Subscribe the user's connections to a conversation that the user joined behind modseq *since*, unless they are."""
        connections, channel = self.registry.users.get(user_id, set()), self.channels.get(name)
        if channel is not None and connections <= channel.subscribers:
            return  # the usual case for the reconciler, which calls this for hundreds of inbox rows
        if self.subscriptions.needs_subscription(connections, name, since):
            self.runtime.spawn(self._subscribe_user, user_id, name, since)

    def _subscribe_user(self, user_id: int, name: str, since: int | None) -> None:
        # What the connections missed is read once the bus brings what happens later: a read mark between the two would be lost.
        begun: list[PendingSubscription] = []
        with self.runtime.reading():
            start = history.joined_at_modseq(user_id, name)
            if start is None:
                return
            room = history.room_for(user_id, name)
            updated_at = room["updated_at"] if room else None
            modseq, seq = start if since is None else (min(since, start[0]), start[1])
            for connection in self.registry.of_user(user_id):
                if not self.subscriptions.is_bootstrapping(connection) and can_subscribe(connection, name):
                    if room is not None:
                        connection.write(text_frame({"type": "room.created", "conversation_id": name, "room": room}))
                    begun.append(self.subscriptions.begin(connection, name, modseq, seq, updated_at))
        self.wait_until_subscribed()
        with self.runtime.reading():
            for pending in begun:
                self._catch_up(pending)
                self.presence.introductions.connection_subscribed(pending.connection, name)
