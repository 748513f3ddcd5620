"""What a hub does by the clock: compare with the database, beat hearts, end what has no right to go on."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import gevent

from backend.database import is_unavailable
from backend.errors import NotFound
from backend.models import User
from backend.models.base import db, utcnow
from backend.realtime import changes
from backend.realtime.channel import Channel
from backend.realtime.connection import CLOSING_SECONDS, Connection
from backend.realtime.events import room_event, room_updated_event
from backend.realtime.hub import EARLY_SECONDS, Hub
from backend.realtime.protocol import HEARTBEAT_SECONDS, Close, text_frame
from backend.rooms.access import get_room_for
from backend.rooms.serialise import room_json

LOOK_SECONDS = 0.8
"""How often the heads of the followed conversations are compared with the database: a lost hint costs at most that."""

RIGHTS_SECONDS = 2.0
SLACK = 500
"""Inbox rows whose ids are this far behind the newest are looked at again: their transactions may have ended later."""


class Ticker:
    """The periodic work of one hub."""

    def __init__(self, hub: Hub):
        self.hub = hub
        self.follower_id: int | None = None
        self.rights_at = 0.0
        self.beat = 0
        hub.on_revoked = self.check_rights
        hub.on_admission = self.admit

    def run(self) -> None:
        """Tick until the worker ends. Whatever fails is tried again at the next tick."""
        while True:
            started = time.monotonic()
            for step in (self.sweep, self.look, self.look_for_admissions, self.check_all_rights):
                self._try(step)
            gevent.sleep(max(0.05, LOOK_SECONDS - (time.monotonic() - started)))

    def _try(self, step: Any) -> None:
        try:
            step()
        except Exception as error:
            if is_unavailable(error):
                self.hub.log.warning("the database is away; sockets stay, and catch up when it is back")
            else:
                self.hub.log.exception("a tick failed")

    # -- heads

    def look(self) -> None:
        """Compare every followed conversation with the database."""
        self.compare(list(self.hub.channels))

    def look_soon(self) -> None:
        """Compare the channels that were opened just now: what was said while they opened reached nobody here."""
        gevent.sleep(EARLY_SECONDS)
        names, self.hub.unverified = self.hub.unverified, set()
        if names:
            self._try(lambda: self.compare(names))

    def compare(self, names: Collection[str]) -> None:
        """Find the channels that are behind their conversations, and repair those that do not catch up by themselves."""
        if not names:
            return
        with self.hub.reading():
            heads = changes.heads_of(names)
        for head in heads:
            channel = self.hub.channels.get(head.conversation_id)
            if channel is None:
                continue
            if head.is_deleted:
                self._tell_deleted(channel)
            elif head.last_modseq > channel.delivered:
                gevent.spawn_later(EARLY_SECONDS, self._repair_unless_there, channel, head.last_modseq)
            elif head.last_modseq < channel.delivered and not channel.is_repairing:
                gevent.spawn_later(1, self._follow_back, channel)
            self._compare_room(channel, head)

    def _repair_unless_there(self, channel: Channel, modseq: int) -> None:
        if channel.delivered < modseq:
            self.hub.repair(channel)

    def _follow_back(self, channel: Channel) -> None:
        """A database restored from a backup gives its numbers again; a channel must not wait for the old ones."""
        with self.hub.reading():
            heads = changes.heads_of([channel.name])
        if heads and heads[0].last_modseq < channel.delivered:
            self.hub.log.warning("conversation %s was set back by the database", channel.name)
            channel.delivered, channel.known_seq = heads[0].last_modseq, heads[0].last_seq

    def _tell_deleted(self, channel: Channel) -> None:
        room_id = int(channel.name.removeprefix("room:"))
        self.hub.take([room_event("room.deleted", channel.name, room_id=room_id)])

    def _compare_room(self, channel: Channel, head: changes.Head) -> None:
        was, channel.room_updated_at = channel.room_updated_at, head.room_updated_at
        if was is None or head.room_updated_at is None or head.room_updated_at <= was or not channel.listeners:
            return
        viewer_id = next(iter(channel.listeners)).user_id
        with self.hub.reading():
            viewer = db.session.get(User, viewer_id)
            if viewer is None:
                return
            try:
                room = room_json(get_room_for(viewer, int(channel.name.removeprefix("room:"))).room, viewer)
            except NotFound:
                return
        self.hub.take([room_updated_event(room)])

    # -- admissions

    def look_for_admissions(self) -> None:
        """Find the conversations that users of this worker came into, where the hint was lost."""
        if not self.hub.users:
            self.follower_id = None
            return
        with self.hub.reading():
            if self.follower_id is None:
                self.follower_id = changes.last_follower_id()
            found = changes.new_followers(self.follower_id - SLACK)
        for id_, user_id, name in found:
            self.follower_id = max(self.follower_id, id_)
            if user_id in self.hub.users:
                self.hub.admit(user_id, name)

    def admit(self, user_id: int, name: str) -> None:
        """Let the sockets of *user_id* follow a conversation from the moment that it came in."""
        try:
            with self.hub.reading():
                since = changes.joined_at_modseq(user_id, name)
                created = self._room_created(user_id, name) if since is not None else None
                if since is None:
                    return
                for connection in list(self.hub.users.get(user_id, ())):
                    if name not in connection.conversations:
                        connection.conversations.add(name)
                        if created is not None:
                            connection.write(created)
                        self.hub.follow(connection, name, *since)
        except Exception as error:
            if not is_unavailable(error):
                self.hub.log.exception("an admission failed")

    def _room_created(self, user_id: int, name: str) -> bytes | None:
        if not name.startswith("room:"):
            return None
        user = db.session.get(User, user_id)
        if user is None:
            return None
        try:
            room = room_json(get_room_for(user, int(name.removeprefix("room:"))).room, user)
        except NotFound:
            return None
        return text_frame({"type": "room.created", "conversation_id": name, "room": room})

    # -- rights and heartbeats

    def check_all_rights(self) -> None:
        """Close the sockets whose session, token or user has ended, where the hint was lost."""
        now = time.monotonic()
        if now - self.rights_at >= RIGHTS_SECONDS:
            self.rights_at = now
            self.check_rights(self.hub.connections)

    def check_rights(self, connections: list[Connection]) -> None:
        """Close those of *connections* that have no right to be open any more (4401)."""
        if not connections:
            return
        with self.hub.reading():
            ended = changes.without_right([connection.right for connection in connections])
        for connection in connections:
            if (connection.right.session_id, connection.right.api_token_id) in ended:
                connection.close(Close.UNAUTHORIZED)

    def sweep(self) -> None:
        """Beat every heart once in 25 s, end the silent and the expired, and let go of those that do not say goodbye."""
        now, today = time.monotonic(), utcnow()
        if self.hub.unverified:
            gevent.spawn(self.look_soon)
        self.hub.typing.end_late()
        is_beat = now - self.beat >= HEARTBEAT_SECONDS
        if is_beat:
            self.beat = int(now)
        for connection in self.hub.connections:
            if connection.right.expires_at is not None and connection.right.expires_at <= today:
                connection.close(Close.UNAUTHORIZED)
            elif now - connection.heard_at > 2 * HEARTBEAT_SECONDS:
                connection.close(Close.HEARTBEAT_MISSED)
            elif is_beat:
                connection.ping()
        for connection in list(self.hub.closing):
            if connection.closed_at is not None and now - connection.closed_at > CLOSING_SECONDS:
                connection.release()
