"""`room.updated`: each member of a room gets the room with the fields that this member may see."""

from __future__ import annotations

from datetime import datetime

from backend.realtime.delivery.channel import Channel
from backend.realtime.runtime import Runtime
from backend.realtime.transport.frames import text_frame
from backend.rooms.serialise import room_by_member


class RoomUpdates:
    """Sends a room's own changes to its subscribers."""

    def __init__(self, runtime: Runtime):
        self._runtime = runtime

    def send(self, channel: Channel, updated_at: datetime) -> None:
        """Send `room.updated` to the subscribers of *channel*, unless they have the room as of *updated_at* already.

        Reads the database. Where that fails, the reconciler calls this again.
        """
        previous = channel.room_updated_at
        if previous is not None and updated_at <= previous:
            return
        channel.room_updated_at = updated_at  # before the query, so that no second greenlet sends the same
        try:
            with self._runtime.reading():
                user_ids = {connection.user_id for connection in channel.subscribers}
                rooms = room_by_member(int(channel.name.removeprefix("room:")), user_ids)
        except Exception:
            channel.room_updated_at = previous
            raise
        frames = {
            user_id: text_frame({"type": "room.updated", "conversation_id": channel.name, "room": room})
            for user_id, room in rooms.items()
        }
        for connection in list(channel.subscribers):
            if connection.user_id in frames:
                connection.write(frames[connection.user_id])
