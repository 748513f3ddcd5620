"""The comparison of a hub with the database, by which no hint needs to arrive: heads, rooms, and who came in where."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from backend.events import room_event
from backend.realtime.delivery import history
from backend.realtime.delivery.channel import Channel
from backend.realtime.delivery.subscriptions import Following
from backend.realtime.hub import EARLY_SECONDS, Hub
from backend.realtime.transport.frames import text_frame
from backend.rooms.serialise import room_by_member

SLACK = 500
"""Inbox rows whose ids are this far behind the newest are looked at again: their transactions may have ended later."""


AT_A_TICK, ROUND = 500, 10
"""How many conversations are compared at a tick, at least; and in how many ticks at most all are compared."""


class Watch:
    """Finds what the bus lost."""

    def __init__(self, hub: Hub, following: Following):
        self.hub = hub
        self.following = following
        self._follower_id: int | None = None
        self._unverified: set[str] = set()
        self._to_compare: list[str] = []
        self._part = AT_A_TICK
        hub.watch = self

    # -- heads

    def look(self) -> None:
        """Compare followed conversations with the database: all of them, or where they are many, the next part of them.

        So the cost of a tick does not grow with the number of quiet conversations. A lost hint is found within `ROUND` ticks, and
        at once where another event of the conversation follows it.
        """
        if not self._to_compare:
            self._to_compare = list(self.hub.channels)
            self._part = max(AT_A_TICK, -(-len(self._to_compare) // ROUND))
        some, self._to_compare = self._to_compare[: self._part], self._to_compare[self._part :]
        self._compare(some, EARLY_SECONDS)

    def verify(self, names: Collection[str]) -> None:
        """Of these names everything is heard from now on; find what was said before."""
        if not self._unverified:
            self.hub.spawn(self._verify)
        self._unverified.update(names)

    def _verify(self) -> None:
        names, self._unverified = self._unverified, set()
        self._announce([int(name.removeprefix("u:")) for name in names if name.startswith("u:")])
        self._compare([name.removeprefix("c:") for name in names if name.startswith("c:")], 0)

    def _announce(self, user_ids: Collection[int]) -> None:
        """Tell the other workers of these users' sockets: a hub that was deaf at the time has yet to close older ones."""
        self.hub.announce([connection for user_id in user_ids for connection in self.hub.users.get(user_id, ())])

    def _compare(self, names: Collection[str], patience: float) -> None:
        """Find the channels that are behind their conversations, and repair those that do not catch up within *patience*."""
        before = {name: self.hub.channels[name].delivered for name in names if name in self.hub.channels}
        if not before:
            return
        with self.hub.reading():
            heads = history.heads_of(before)
        for head in heads:
            channel = self.hub.channels.get(head.conversation_id)
            if channel is None:
                continue
            if head.is_deleted:
                room_id = int(channel.name.removeprefix("room:"))
                self.hub.take([room_event("room.deleted", channel.name, room_id=room_id)])
            elif head.last_modseq < before[channel.name]:
                self.hub.log.warning("conversation %s was set back by the database", channel.name)
                channel.set_back(head.last_modseq, head.last_seq)
            elif head.last_modseq > channel.delivered:
                self.hub.spawn(self._repair_unless_there, channel, head.last_modseq, after=patience)
            self._compare_room(channel, head)

    def _repair_unless_there(self, channel: Channel, modseq: int) -> None:
        if channel.delivered < modseq:
            self.following.repair(channel)

    # -- rooms

    def _compare_room(self, channel: Channel, head: history.Head) -> None:
        if channel.room_updated_at is None:
            channel.room_updated_at = head.room_updated_at
        elif head.room_updated_at is not None:
            self.tell_room(channel, head.room_updated_at)

    def tell_room(self, channel: Channel, updated_at: datetime) -> None:
        """Tell who listens what the room is since *updated_at*, each as they see it, unless they were told.

        Where the database is away they are told at one of the next comparisons.
        """
        was = channel.room_updated_at
        if was is not None and updated_at <= was:
            return
        channel.room_updated_at = updated_at  # at once, so that nobody else tells it meanwhile
        try:
            with self.hub.reading():
                user_ids = {connection.user_id for connection in channel.listeners}
                faces = room_by_member(int(channel.name.removeprefix("room:")), user_ids)
        except Exception:
            channel.room_updated_at = was
            raise
        frames = {
            user_id: text_frame({"type": "room.updated", "conversation_id": channel.name, "room": room})
            for user_id, room in faces.items()
        }
        for connection in list(channel.listeners):
            if connection.user_id in frames:
                connection.write(frames[connection.user_id])

    # -- admissions

    def look_for_admissions(self) -> None:
        """Find the conversations that users of this worker came into, where the hint was lost."""
        if not self.hub.users:
            self._follower_id = None
            return
        with self.hub.reading():
            if self._follower_id is None:
                self._follower_id = history.last_follower_id()
            found = history.new_followers(self._follower_id - SLACK)
        for id_, user_id, name in found:
            self._follower_id = max(self._follower_id, id_)
            self.following.admit(user_id, name)
