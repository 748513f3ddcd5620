"""The hub of a worker: who is connected here, what they follow, and the delivery of every event in order, once.

Nothing in here waits: a frame is encoded once and handed to each socket. The bus only hints; what it loses, doubles or reorders
is set right by the channels' numbers and the database (see channel.py, delivery.py and following.py).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import gevent
from flask import Flask, g

from backend.database import is_unavailable
from backend.events import Event, connected_event, publish
from backend.realtime.delivery.channel import Channel
from backend.realtime.delivery.fanout import Delivery
from backend.realtime.places import Places
from backend.realtime.presence.typing import Typing
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import Close, event_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backend.realtime.delivery.subscriptions import Following
    from backend.realtime.hiding import Hiding
    from backend.realtime.presence.introductions import Meetings
    from backend.realtime.reconciler import Watch

EARLY_SECONDS = 0.05
"""How long a number that came ahead of its turn waits for those before it; then the database is asked."""


class Subscriptions(Protocol):
    """The part of a bus that the hub steers: which names this worker wants to hear of. Neither waits."""

    def follow(self, name: str) -> None: ...

    def unfollow(self, name: str) -> None: ...


class Hub:
    """The connections of one worker, by user, and the channels that they follow."""

    log = logging.getLogger("confab.realtime")
    quiet = logging.getLogger("confab.websocket")  # the framing library's, which logs every opening and closing

    bus: Subscriptions
    following: Following
    hiding: Hiding
    meetings: Meetings
    watch: Watch
    perform: Callable[[Connection, list[bytes]], None]
    on_revoked: Callable[[list[Connection]], None]

    def __init__(self, app: Flask, limits_frames: bool):
        self.app = app
        self.limits_frames = limits_frames
        self.users: dict[int, set[Connection]] = {}
        self.places = Places(is_limited=limits_frames)
        self.channels: dict[str, Channel] = {}
        self.closing: dict[Connection, float] = {}
        self.delivery = Delivery(self)
        self.typing = Typing(self)
        self.metrics: Counter[str] = Counter()
        self.on_presence: Callable[[], None] = lambda: None
        self.is_stopping = False

    @property
    def connections(self) -> list[Connection]:
        """Every open connection of this worker."""
        return [connection for here in self.users.values() for connection in here]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A context in which the database may be asked, each statement by itself, and is let go of at the end."""
        with self.app.app_context():
            g.is_read_only = True
            yield

    def spawn(self, task: Callable[..., None], *args: Any, after: float = 0) -> None:
        """Do something that asks the database, beside all else. The clock makes up for what fails."""
        gevent.spawn_later(after, self._do, task, *args)

    def _do(self, task: Callable[..., None], *args: Any) -> None:
        try:
            task(*args)
        except Exception as error:
            if is_unavailable(error):
                self.log.warning("%s waits for the database", task.__name__)
            else:
                self.log.exception("%s failed", task.__name__)

    # -- who is here

    def register(self, connection: Connection) -> None:
        """Count *connection* in; an older one of the same client is replaced (4409)."""
        user_id = connection.user_id
        for older in [c for c in self.users.get(user_id, ()) if c.client_id == connection.client_id]:
            older.close(Close.REPLACED)
        if user_id not in self.users:
            self.users[user_id] = set()
            self.bus.follow(f"u:{user_id}")
            self.on_presence()
        self.users[user_id].add(connection)
        if self.is_stopping:
            connection.close(Close.RESTARTING)

    def forget(self, connection: Connection) -> None:
        """Count *connection* out. Safe to repeat."""
        if connection.place is not None:
            connection.place.release()
        for name in list(connection.conversations):
            self.leave(connection, name)
        here = self.users.get(connection.user_id)
        if here is None or connection not in here:
            return
        here.discard(connection)
        if not here:
            del self.users[connection.user_id]
            self.bus.unfollow(f"u:{connection.user_id}")
            self.on_presence()

    def channel(self, name: str, modseq: int, seq: int) -> Channel:
        """The channel of a conversation; a new one begins at *modseq*."""
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name, modseq, seq)
            self.bus.follow(f"c:{name}")
        return channel

    def leave(self, connection: Connection, name: str) -> None:
        """Let *connection* hear nothing more of a conversation."""
        connection.conversations.discard(name)
        self.following.forget(connection, name)
        channel = self.channels.get(name)
        if channel is not None:
            channel.discard(connection)
            if not channel.listeners:
                del self.channels[name]
                self.bus.unfollow(f"c:{name}")

    def stop(self) -> None:
        """Tell every client to come back later (1012). They wait a random while, so that they do not come all at once."""
        self.is_stopping = True
        for connection in self.connections:
            connection.close(Close.RESTARTING)

    # -- events

    def take(self, events: Iterable[Event]) -> None:
        """Take what the bus brings, in whatever order, and deliver what can be delivered now."""
        durable: dict[str, list[Event]] = {}
        for event in events:
            if event.user_id is not None:
                self._take_for_user(event.user_id, event)
            elif event.conversation_id is None:
                self.log.warning("an event for nobody: %s", event.type)
            elif event.modseq is not None:
                durable.setdefault(event.conversation_id, []).append(event)
            else:
                self._take_fleeting(event.conversation_id, event)
        for name, group in durable.items():
            channel = self.channels.get(name)
            if channel is not None:
                self.delivery.arrived(channel, group)

    def mind_the_gap(self, channel: Channel) -> None:
        """Give what comes before its turn a moment, and then ask the database."""
        if channel.has_gap and not channel.is_waiting:
            channel.is_waiting = True
            self.spawn(self._end_of_patience, channel, after=EARLY_SECONDS)

    def _end_of_patience(self, channel: Channel) -> None:
        channel.is_waiting = False
        if channel.has_gap:
            self.following.repair(channel)

    def _take_fleeting(self, name: str, event: Event) -> None:
        """Typing, read marks and a room's own changes: told once, to who listens now."""
        channel = self.channels.get(name)
        if event.type == "typing":
            self.typing.heard(event)
        elif channel is not None and event.type == "control.room_updated":
            self.spawn(self.watch.tell_room, channel, _time(event.body["updated_at"]))
        elif channel is not None:
            self.delivery.send(channel, [event])
            if event.type == "room.deleted":
                for connection in list(channel.listeners):
                    self.leave(connection, name)

    def _take_for_user(self, user_id: int, event: Event) -> None:
        here = list(self.users.get(user_id, ()))
        if not here:
            return
        if event.type == "control.conversation_opened":
            self.following.admit(user_id, event.body["conversation_id"], event.body["since"])
        elif event.type == "control.block_changed":
            self.hiding.changed(event.body["by_id"], user_id)
        elif event.type == "control.device_connected":
            self._keep_newest(here, event)
        elif event.type == "control.credentials_revoked":
            self.spawn(self.on_revoked, here)
        else:
            frame = event_frame(event)
            for connection in here:
                if connection.uid != event.source_connection and connection.may_read:
                    connection.write(frame)

    def _keep_newest(self, here: Iterable[Connection], event: Event) -> None:
        """A device's newer socket replaces its older ones. Who announces an older one was deaf when ours was announced."""
        opened_at, same = event.body["opened_at"], [c for c in here if c.client_id == event.body["client_id"]]
        for older in [c for c in same if c.opened_at < opened_at and c.uid != event.source_connection]:
            older.close(Close.REPLACED)
        self.announce([c for c in same if c.opened_at > opened_at])

    def announce(self, connections: Iterable[Connection]) -> None:
        """Tell the other workers of these sockets, which replace older ones of the same device."""
        with self.app.app_context():
            publish([connected_event(c.user_id, c.client_id, c.uid, c.opened_at) for c in connections])


def _time(value: datetime | str) -> datetime:
    """A time as it left the database, or as the bus carried it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
