"""The hub of a worker: who is connected here, what they follow, and the delivery of every event in order, once.

Nothing in here waits while it delivers: a frame is encoded once and handed to each socket without a wait. The bus only hints;
what it loses, doubles or reorders is set right by the channels' numbers and the database (see channel.py and ticker.py).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

import gevent
from flask import Flask, g

from backend.database import is_unavailable
from backend.realtime.changes import load_changes
from backend.realtime.channel import Channel
from backend.realtime.connection import Connection
from backend.realtime.events import Event
from backend.realtime.protocol import Close, author_frame, event_frame
from backend.realtime.typing import Typing

if TYPE_CHECKING:
    from collections.abc import Iterator

EARLY_SECONDS = 0.05
"""How long a number that came ahead of its turn waits for those before it; then the database is asked."""

MEMBER_HERE = ("member.joined", "member.updated")


class Subscriptions(Protocol):
    """The part of a bus that the hub steers: which names this worker wants to hear of."""

    def follow(self, name: str) -> None: ...

    def unfollow(self, name: str) -> None: ...


class Hub:
    """The connections of one worker, by user, and the channels that they follow."""

    log = logging.getLogger("confab.realtime")
    quiet = logging.getLogger("confab.websocket")  # the framing library's, which logs every opening and closing

    def __init__(self, app: Flask, limits_frames: bool):
        self.app = app
        self.limits_frames = limits_frames
        self.users: dict[int, set[Connection]] = {}
        self.channels: dict[str, Channel] = {}
        self.closing: set[Connection] = set()
        self.unverified: set[str] = set()
        self.typing = Typing(self)
        self.metrics: Counter[str] = Counter()
        self.bus: Subscriptions
        self.perform: Callable[[Connection, list[bytes]], None]
        self.on_presence: Callable[[int], None] = lambda user_id: None
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

    # -- who is here

    def register(self, connection: Connection) -> None:
        """Count *connection* in; an older one of the same client is replaced (4409)."""
        here = self.users.setdefault(connection.user_id, set())
        for older in [c for c in here if c.client_id == connection.client_id]:
            older.close(Close.REPLACED)
        is_first = not here
        self.users.setdefault(connection.user_id, here).add(connection)
        if is_first:
            self.bus.follow(f"u:{connection.user_id}")
            self.on_presence(connection.user_id)

    def forget(self, connection: Connection) -> None:
        """Count *connection* out. Safe to repeat."""
        for name in connection.conversations:
            self._leave(connection, name)
        connection.conversations.clear()
        here = self.users.get(connection.user_id)
        if here is None or connection not in here:
            return
        here.discard(connection)
        if not here:
            del self.users[connection.user_id]
            self.bus.unfollow(f"u:{connection.user_id}")
            self.on_presence(connection.user_id)

    def _leave(self, connection: Connection, name: str) -> None:
        channel = self.channels.get(name)
        if channel is not None:
            channel.discard(connection)
            if not channel.listeners:
                del self.channels[name]
                self.bus.unfollow(f"c:{name}")

    # -- following a conversation

    def follow(
        self,
        connection: Connection,
        name: str,
        since: int,
        known_seq: int,
        show: Callable[[list[Event]], None] | None = None,
    ) -> None:
        """Let *connection* hear everything of a conversation behind modseq *since*, each change once and in order.

        What happened before the channel's own position is read from the database and handed to *show*; the live events
        continue it exactly. Must run in `reading()`.
        """
        show = show or partial(self._show, connection)
        while connection.is_open:
            channel = self.channels.get(name) or self._open(name, since, known_seq)
            if connection in channel.listeners:
                return
            if channel.delivered <= since:
                channel.add(connection, since)  # no yield since the look at `delivered`
                connection.conversations.add(name)
                return
            changes, upto = load_changes(name, since, known_seq)
            if connection in channel.listeners:
                return
            if upto <= since:
                channel.delivered = since  # the database was set back to an older state, and so is the channel
                continue
            since = upto
            show(changes)
            if any(c.type == "member.left" and c.author_id == connection.user_id for c in changes):
                connection.conversations.discard(name)
                self._leave(connection, name)
                return

    def _open(self, name: str, modseq: int, seq: int) -> Channel:
        channel = self.channels[name] = Channel(name, modseq, seq)
        self.bus.follow(f"c:{name}")
        self.unverified.add(name)
        return channel

    def _show(self, connection: Connection, events: list[Event]) -> None:
        frames = [author_frame(e) if e.author_id == connection.user_id else event_frame(e) for e in events]
        if frames:
            connection.write(b"".join(frames))

    # -- events

    def take(self, events: Iterable[Event]) -> None:
        """Take what the bus brings, in whatever order, and deliver what can be delivered now."""
        durable: dict[str, list[Event]] = {}
        for event in events:
            if event.user_id is not None:
                self._take_for_user(event)
            elif event.conversation_id is not None and event.modseq is not None:
                durable.setdefault(event.conversation_id, []).append(event)
            else:
                self._take_fleeting(event)
        for name, group in durable.items():
            channel = self.channels.get(name)
            if channel is not None:
                self._deliver(channel, channel.offer(group))
                self._mind_the_gap(channel)

    def _mind_the_gap(self, channel: Channel) -> None:
        if not channel.has_gap:
            channel.waits_since = None
        elif channel.waits_since is None:
            channel.waits_since = time.monotonic()
            gevent.spawn_later(EARLY_SECONDS, self._repair_gap, channel)

    def _repair_gap(self, channel: Channel) -> None:
        channel.waits_since = None
        if channel.has_gap:
            self.repair(channel)

    def repair(self, channel: Channel) -> None:
        """Read what *channel* lacks from the database and deliver it. Failing, the next look at the heads tries again."""
        if channel.is_repairing or self.channels.get(channel.name) is not channel:
            return
        channel.is_repairing = True
        self.metrics["repairs"] += 1
        try:
            with self.reading():
                while True:
                    before = channel.delivered
                    changes, upto = load_changes(channel.name, before, channel.known_seq)
                    self._deliver(channel, channel.repair(changes, upto))
                    if upto <= before:
                        break
        except Exception as error:
            if not is_unavailable(error):
                raise
            self.log.warning("a repair waits for the database")
        finally:
            channel.is_repairing = False

    def _deliver(self, channel: Channel, events: Sequence[Event]) -> None:
        """Send events to the channel's listeners: in one write each, cut where somebody comes or goes."""
        batch: list[Event] = []
        for event in events:
            batch.append(event)
            is_here = event.author_id in self.users and event.type.startswith("member.")
            if is_here and event.type == "member.left":
                self._send(channel, batch)
                batch = []
                for connection in [c for c in channel.listeners if c.user_id == event.author_id]:
                    connection.conversations.discard(channel.name)
                    self._leave(connection, channel.name)
            elif is_here and event.type in MEMBER_HERE and event.author_id is not None:
                self.admit(event.author_id, channel.name)
        if batch:
            self._send(channel, batch)

    def _send(self, channel: Channel, events: Sequence[Event]) -> None:
        self.metrics["events"] += len(events)
        if channel.floors or any(event.origin for event in events):
            for connection in list(channel.listeners):
                news = [e for e in events if channel.hears(connection, e) and e.origin != connection.uid]
                self._show(connection, news)
            return
        frames = [event_frame(event) for event in events]
        whole = b"".join(frames)
        authors = {event.author_id for event in events if event.private is not None}
        for connection in list(channel.listeners):
            if connection.right.user_id in authors:
                self._show(connection, list(events))
            else:
                connection.write(whole)

    def _take_fleeting(self, event: Event) -> None:
        """Typing, read marks and a room's own changes: told once, to who listens now."""
        channel = self.channels.get(event.conversation_id or "")
        if event.type == "typing":
            self.typing.heard(event)
        elif channel is not None:
            self._send(channel, [event])
            if event.type == "room.updated":
                channel.room_updated_at = _time(event.body["room"]["updated_at"])
            if event.type == "room.deleted":
                self.drop_channel(channel)

    def drop_channel(self, channel: Channel) -> None:
        """Nobody follows this conversation any more."""
        for connection in list(channel.listeners):
            connection.conversations.discard(channel.name)
            self._leave(connection, channel.name)

    def _take_for_user(self, event: Event) -> None:
        here = list(self.users.get(event.user_id or 0, ()))
        if not here:
            return
        if event.type == "hub.opened":
            self.admit(here[0].user_id, event.body["conversation_id"])
        elif event.type == "hub.connected":
            for connection in here:
                if connection.client_id == event.body["client_id"] and connection.uid != event.origin:
                    connection.close(Close.REPLACED)
        elif event.type == "hub.revoked":
            gevent.spawn(self.on_revoked, here)
        else:
            frame = event_frame(event)
            for connection in here:
                if connection.uid != event.origin:
                    connection.write(frame)

    on_revoked: Callable[[list[Connection]], None]
    on_admission: Callable[[int, str], None]

    def admit(self, user_id: int, name: str) -> None:
        """Let this user's sockets follow a conversation that it came into, unless they do."""
        if any(name not in connection.conversations for connection in self.users.get(user_id, ())):
            gevent.spawn(self.on_admission, user_id, name)

    # -- shutdown

    def stop(self) -> None:
        """Tell every client to come back later (1012). They wait a random while, so that they do not come all at once."""
        self.is_stopping = True
        for connection in self.connections:
            connection.close(Close.RESTARTING)


def _time(value: datetime | str) -> datetime:
    """A time as it left the database, or as the bus carried it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
