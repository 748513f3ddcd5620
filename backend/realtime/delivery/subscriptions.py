"""How a socket comes to follow a conversation, and how a channel is repaired: everything of the hub that asks the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backend.database import is_unavailable
from backend.errors import NotFound
from backend.events import Event, room_event
from backend.models import User
from backend.models.base import db
from backend.realtime.delivery.channel import Channel, Told
from backend.realtime.delivery.history import Changes, joined_at_modseq, last_seq_at, load_changes
from backend.realtime.hub import Hub
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import text_frame
from backend.rooms.access import get_room_for
from backend.rooms.serialise import room_json

Positions = dict[str, tuple[int, int | None]]
"""From where each conversation goes on: (modseq, seq), as `Behind` has them."""


@dataclass(slots=True)
class Behind:
    """A socket on its way to a conversation's live events: what it has heard so far. `is_tried` while someone is at it.

    `seq` is None until the database has said which message was the last that was told.
    """

    since: int
    seq: int | None
    is_tried: bool = False


class Following:
    """Brings sockets to where their channels are, and channels to where the database is."""

    def __init__(self, hub: Hub):
        self.hub = hub
        self.behind: dict[tuple[Connection, str], Behind] = {}
        self._looking: dict[Connection, dict[str, int | None]] = {}
        hub.following = self

    @contextmanager
    def looking(self, connection: Connection) -> Iterator[None]:
        """A context in which *connection* looks by itself where its conversations are, and follows them from there.

        Nobody else brings it into one meanwhile: they would begin where its user came in, and tell it what it was not here
        for, or what it finds by itself. What its user comes into meanwhile, and it did not see, is followed at the end.
        """
        came_into: dict[str, int | None] = {}
        self._looking[connection] = came_into
        try:
            yield
        finally:
            del self._looking[connection]
            for name, since in came_into.items():
                self.admit(connection.user_id, name, since)

    def follow(self, connection: Connection, name: str, since: int, seq: int | None) -> None:
        """Let *connection* hear everything of a conversation behind modseq *since*, each change once and in order.

        What happened before the channel's own position is read from the database; the live events continue it exactly. If the
        database is away, the clock goes on with it (`retry`). Must run in `reading()`.
        """
        if connection.is_open and connection.may_read:
            connection.conversations.add(name)
            self.behind[connection, name] = behind = Behind(since, seq)
            self._catch_up(connection, name, behind)

    def retry(self) -> None:
        """Go on with those whom a fault of the database stopped."""
        for (connection, name), behind in list(self.behind.items()):
            if not behind.is_tried:
                with self.hub.reading():
                    self._catch_up(connection, name, behind)

    def forget(self, connection: Connection, name: str) -> None:
        """Whoever brings *connection* to this conversation stops."""
        self.behind.pop((connection, name), None)

    def pause(self, connection: Connection) -> Positions:
        """Let *connection* hear nothing for a while. Returns, for each conversation, from where `follow` goes on."""
        positions: Positions = {}
        for name in connection.conversations:
            behind = self.behind.pop((connection, name), None)
            channel = self.hub.channels.get(name)
            if behind is not None:
                positions[name] = (behind.since, behind.seq)
            elif channel is not None:
                positions[name] = (channel.discard(connection), channel.told.last)
        return positions

    def _catch_up(self, connection: Connection, name: str, behind: Behind) -> None:
        key = (connection, name)
        behind.is_tried = True
        try:
            if behind.seq is None:
                behind.seq = last_seq_at(name, behind.since)
            told = Told(behind.seq)
            while self.behind.get(key) is behind:  # nobody else has taken over, and the socket is open
                channel = self.hub.channel(name, behind.since, behind.seq)
                if channel.delivered <= behind.since:
                    del self.behind[key]
                    channel.add(connection, behind.since)  # no yield since the look at `delivered`
                    return
                changes = load_changes(name, behind.since)
                if self.behind.get(key) is not behind:
                    return
                if changes.upto <= behind.since and not changes.is_deleted:
                    channel.set_back(behind.since, behind.seq)  # the database has forgotten what the channel delivered
                    continue
                self._show_missed(connection, name, changes, told)
                behind.since, behind.seq = changes.upto, told.last
        except Exception as error:
            if not is_unavailable(error):
                self.hub.log.exception("a socket could not follow %s", name)
        finally:
            behind.is_tried = False

    def _show_missed(self, connection: Connection, name: str, changes: Changes, told: Told) -> None:
        """Show what *connection* missed: up to its own removal, or the end of the room, if that is among it."""
        events: list[Event] = []
        for event in [*changes.events, *([_deleted(name)] if changes.is_deleted else [])]:
            events.append(told.name(event))
            is_removed = event.type == "member.left" and event.author_id == connection.user_id
            if is_removed or event.type == "room.deleted":
                self.hub.leave(connection, name)
                break
        self.hub.delivery.show(connection, events)

    # -- channels

    def repair(self, channel: Channel) -> None:
        """Read what *channel* lacks from the database and deliver it. Failing, the next look at the heads tries again."""
        if channel.is_repairing or self.hub.channels.get(channel.name) is not channel:
            return
        channel.is_repairing = True
        self.hub.metrics["repairs"] += 1
        try:
            with self.hub.reading():
                self._repair(channel)
        finally:
            channel.is_repairing = False
            self.hub.mind_the_gap(channel)

    def _repair(self, channel: Channel) -> None:
        is_complete = False
        while not is_complete:
            changes = load_changes(channel.name, channel.delivered)
            if changes.is_deleted:
                self.hub.take([_deleted(channel.name)])
                return
            self.hub.delivery.deliver(channel, channel.repair(changes.events, changes.upto))
            is_complete = changes.is_complete

    # -- admissions

    def admit(self, user_id: int, name: str, since: int | None = None) -> None:
        """Let this user's sockets follow a conversation that it came into behind modseq *since*, unless they do."""
        here, channel = self.hub.users.get(user_id, set()), self.hub.channels.get(name)
        if channel is not None and here <= channel.listeners:
            return  # as nearly always at a tick, which asks for hundreds
        is_needed = False
        for connection in here:
            news = self._looking.get(connection)
            if news is None:
                is_needed = is_needed or _is_to_follow(connection, name)
            elif since is not None or name not in news:
                news[name] = since
        if is_needed:
            self.hub.spawn(self._admit, user_id, name, since)

    def _admit(self, user_id: int, name: str, since: int | None) -> None:
        with self.hub.reading():
            start = joined_at_modseq(user_id, name)
            if start is None:
                return
            created = self._room_created(user_id, name)
            modseq, seq = start if since is None else (min(since, start[0]), start[1])
            for connection in list(self.hub.users.get(user_id, ())):
                if connection not in self._looking and _is_to_follow(connection, name):
                    if created is not None:
                        connection.write(created)
                    self.follow(connection, name, modseq, seq)
                    self.hub.meetings.followed(connection, name)

    def _room_created(self, user_id: int, name: str) -> bytes | None:
        user = db.session.get(User, user_id) if name.startswith("room:") else None
        if user is None:
            return None
        try:
            room = room_json(get_room_for(user, int(name.removeprefix("room:"))).room, user)
        except NotFound:
            return None
        return text_frame({"type": "room.created", "conversation_id": name, "room": room})


def _is_to_follow(connection: Connection, name: str) -> bool:
    return name not in connection.conversations and connection.may_read


def _deleted(name: str) -> Event:
    return room_event("room.deleted", name, room_id=int(name.removeprefix("room:")))
