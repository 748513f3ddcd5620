"""The way of a conversation's events to the sockets of this worker: in order, in good time, and each encoded once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING

import gevent

from backend.events import Event
from backend.realtime.delivery.channel import Channel
from backend.realtime.transport.frames import author_frame, event_frame

if TYPE_CHECKING:
    from backend.realtime.hub import Hub
    from backend.realtime.transport.connection import Connection


class Frames:
    """Events as bytes for many sockets: each encoded once as everybody sees it, and once as its author does."""

    def __init__(self, events: Sequence[Event]):
        self._events = events
        self._own: dict[int, list[bytes]] = {}
        self.public = [event_frame(event) for event in events]
        self.authors = {event.author_id for event in events if event.author_id is not None}

    def of(self, user_id: int) -> list[bytes]:
        """As *user_id* sees them, one for each event."""
        if user_id not in self.authors:
            return self.public
        if user_id not in self._own:
            self._own[user_id] = [
                author_frame(event) if event.author_id == user_id and event.author_only else frame
                for event, frame in zip(self._events, self.public, strict=True)
            ]
        return self._own[user_id]


class Delivery:
    """Brings events from their channels to the sockets of a hub. Nothing in here waits."""

    def __init__(self, hub: Hub):
        self._hub = hub

    def arrived(self, channel: Channel, events: Sequence[Event]) -> None:
        """Take what has come of a conversation, in whatever order, and deliver what can be delivered now."""
        channel.arrived.extend(events)
        self._pace(channel)

    def _pace(self, channel: Channel) -> None:
        """Deliver what has arrived, or let it gather while the channel rests.

        A delivery that took long is followed by a rest, so that a crowded room leaves the others of this worker a third of
        its time at least. What gathers in a rest goes out in one write to each listener, which costs no more than the first
        of it alone; so the rest lasts until as much has come as the last time, within bounds.
        """
        began = time.monotonic()
        if (rest := channel.due_at - began) > 0:
            if channel.is_complete or not channel.is_resting:
                channel.is_resting = True
                gevent.spawn_later(rest, self._end_rest, channel)
            return
        events, channel.arrived = channel.arrived, []
        self.deliver(channel, channel.offer(events))
        self._hub.mind_the_gap(channel)
        channel.rest(began, time.monotonic(), len(events))

    def _end_rest(self, channel: Channel) -> None:
        """The end of a rest; where it was ended early, or another has begun since, there may be nothing to do yet."""
        channel.is_resting = False
        if channel.arrived:
            self._pace(channel)

    def deliver(self, channel: Channel, events: Sequence[Event]) -> None:
        """Send events to the channel's listeners: in one write each, cut where somebody leaves."""
        batch: list[Event] = []
        for event in events:
            batch.append(event)
            if not event.type.startswith("member.") or event.author_id is None:
                continue
            if event.type == "member.joined":
                self._hub.meetings.joined(event.author_id, channel.name)
            if event.author_id not in self._hub.users:
                continue
            if event.type == "member.left":
                self.send(channel, batch)
                batch = []
                self._part(channel, event)
            else:
                self._hub.following.admit(event.author_id, channel.name, (event.modseq or 0) - 1)
        if batch:
            self.send(channel, batch)

    def _part(self, channel: Channel, left: Event) -> None:
        """The removed hear nothing after their removal; who has caught up ahead of it has come again since."""
        for connection in [c for c in channel.listeners if c.user_id == left.author_id]:
            if connection not in channel.floors:
                self._hub.leave(connection, channel.name)

    def send(self, channel: Channel, events: Sequence[Event]) -> None:
        """Send events to all who listen: to their authors first, who wait for them, and may have more to say."""
        self._hub.metrics["events"] += len(events)
        frames = Frames(events)
        users = self._hub.users
        authors = [c for user_id in frames.authors for c in users.get(user_id, ()) if c in channel.listeners]
        others = channel.listeners.difference(authors)
        if channel.floors or any(event.source_connection for event in events):
            for connection in (*authors, *others):
                is_news = [channel.hears(connection, e) and e.source_connection != connection.uid for e in events]
                if any(is_news):
                    connection.write(b"".join(compress(frames.of(connection.user_id), is_news)))
            return
        for connection in authors:
            connection.write(b"".join(frames.of(connection.user_id)))
        whole = b"".join(frames.public)
        for connection in others:
            connection.write(whole)

    def show(self, connection: Connection, events: Sequence[Event]) -> None:
        """Send events to one socket, as its user sees them."""
        if events:
            connection.write(b"".join(Frames(events).of(connection.user_id)))
