"""Who is typing. Every hub ends it by itself, so that a worker that dies leaves nobody typing for ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from backend.realtime.events import Event, typing_event
from backend.realtime.protocol import TYPING_SECONDS, event_frame

if TYPE_CHECKING:
    from backend.realtime.hub import Hub


class Typing:
    """The typists that this worker has told its clients of, and until when."""

    def __init__(self, hub: Hub):
        self._hub = hub
        self._until: dict[tuple[str, int], float] = {}

    def heard(self, event: Event) -> None:
        """Pass a typing event on, and remember to end it."""
        key = (event.body["conversation_id"], event.body["user_id"])
        if event.body["is_typing"]:
            self._until[key] = time.monotonic() + TYPING_SECONDS
        elif self._until.pop(key, None) is None:
            return  # ended already
        self._tell(event)

    def end_late(self) -> None:
        """End what nobody has renewed in time."""
        now = time.monotonic()
        for key in [key for key, until in self._until.items() if until <= now]:
            del self._until[key]
            self._tell(typing_event(*key, is_typing=False))

    def _tell(self, event: Event) -> None:
        channel = self._hub.channels.get(event.body["conversation_id"])
        if channel is None:
            return
        frame = event_frame(event)
        for connection in list(channel.listeners):
            if connection.user_id != event.body["user_id"]:
                connection.write(frame)
