"""`room.updated`: each member of a room gets the room with the fields that this member may see."""

from __future__ import annotations

from datetime import datetime

from backend.events import Event
from backend.realtime.delivery.channel import Channel
from backend.realtime.runtime import Runtime
from backend.realtime.transport.frames import event_frame
from backend.rooms.serialise import room_by_member


class RoomUpdates:
    """Sends a room's own changes to its subscribers."""

    def __init__(self, runtime: Runtime):
        self._runtime = runtime

    def send(self, channel: Channel, updated_at: datetime | str) -> None:
        """Send `room.updated` to the subscribers of *channel*, unless they have the room as of *updated_at* already.

        *updated_at* is a time as the database returns it, or as the bus carries it (ISO 8601). Reads the database. Where that
        fails, the reconciler calls this again.
        """
        if isinstance(updated_at, str):
            updated_at = datetime.fromisoformat(updated_at)
        previous = channel.room_updated_at
        if previous is not None and updated_at <= previous:
            return
        channel.room_updated_at = updated_at  # before the query, so that no second greenlet sends the same
        try:
            with self._runtime.reading():
                # A connection that subscribes during the query could read the change when it subscribed.
                user_ids = {connection.user_id for connection in (*channel.subscribers, *channel.catching_up)}
                rooms = room_by_member(int(channel.name.removeprefix("room:")), user_ids)
        except Exception:
            channel.room_updated_at = previous
            raise
        if channel.room_updated_at != updated_at:
            return  # a later change is being sent, and must not be followed by this one
        events = {
            user_id: Event("room.updated", {"conversation_id": channel.name, "room": room}, channel.name)
            for user_id, room in rooms.items()
        }
        frames = {user_id: event_frame(event) for user_id, event in events.items()}
        for connection in list(channel.subscribers):
            if connection.user_id in frames:
                connection.write(frames[connection.user_id])
        for connection in channel.catching_up:
            if connection.user_id in events:
                channel.keep(connection, events[connection.user_id])
