"""The conversations that this worker follows."""

from __future__ import annotations

from datetime import datetime

from backend.bus.base import Bus
from backend.realtime.delivery.channel import Channel
from backend.realtime.transport.connection import Connection


class Channels:
    """The channels of one worker, by conversation. The worker subscribes to a conversation's topic while its channel exists."""

    def __init__(self, bus: Bus):
        self._bus = bus
        self.by_name: dict[str, Channel] = {}

    def get(self, name: str) -> Channel | None:
        """The channel of a conversation, where this worker follows it."""
        return self.by_name.get(name)

    def open(self, name: str, modseq: int, seq: int, room_updated_at: datetime | None = None) -> Channel:
        """The channel of a conversation; a new one starts at *modseq* and *seq*, and with this state of the room."""
        channel = self.by_name.get(name)
        if channel is None:
            channel = self.by_name[name] = Channel(name, modseq, seq, room_updated_at)
            self._bus.subscribe(f"c:{name}")
        return channel

    def unsubscribe(self, connection: Connection, name: str) -> None:
        """Deliver nothing more of a conversation to *connection*. A channel that is not used any more is closed."""
        connection.conversations.discard(name)
        channel = self.by_name.get(name)
        if channel is not None:
            channel.remove_subscriber(connection)
            if channel.is_unused:
                del self.by_name[name]
                self._bus.unsubscribe(f"c:{name}")
