"""Who is typing. Every hub ends it by itself, so that a worker that dies leaves nobody typing for ever."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.events import Event, typing_event
from backend.realtime.transport.frames import TYPING_SECONDS, event_frame

if TYPE_CHECKING:
    from backend.realtime.hub import Hub


REPEAT_SECONDS = 1.0
"""A typist is told of once in that time: listeners must not hear every key that somebody strikes, or pretends to."""


@dataclass(slots=True)
class _Typist:
    """Until when somebody types, since when listeners know, and whether that is what they know."""

    until: float
    told_at: float = -math.inf
    is_told: bool = False


class Typing:
    """The typists that this worker tells its clients of: once a second that they type, and at once that they do no more."""

    def __init__(self, hub: Hub):
        self._hub = hub
        self._typists: dict[tuple[str, int], _Typist] = {}

    def heard(self, event: Event) -> None:
        """Take a typing event: pass it on, or keep it until its second has passed; and remember to end it.

        Where nobody listens nothing is kept, so that who comes next is told of what is said next.
        """
        if event.body["conversation_id"] not in self._hub.channels:
            return
        key, now = (event.body["conversation_id"], event.body["user_id"]), time.monotonic()
        typist = self._typists.get(key)
        if event.body["is_typing"]:
            if typist is None:
                typist = self._typists[key] = _Typist(now)
            typist.until = now + TYPING_SECONDS
            if now - typist.told_at >= REPEAT_SECONDS:
                self._begin(key, typist, now)
        elif typist is not None:
            self._end(key, typist, now)

    def end_late(self) -> None:
        """End what nobody has renewed in time, and tell what has been kept long enough."""
        now = time.monotonic()
        for key, typist in list(self._typists.items()):
            if typist.until <= now:
                self._end(key, typist, now)
                if now - typist.told_at >= REPEAT_SECONDS:
                    del self._typists[key]
            elif not typist.is_told and now - typist.told_at >= REPEAT_SECONDS:
                self._begin(key, typist, now)

    def _begin(self, key: tuple[str, int], typist: _Typist, now: float) -> None:
        typist.told_at, typist.is_told = now, True
        self._tell(typing_event(*key, is_typing=True))

    def _end(self, key: tuple[str, int], typist: _Typist, now: float) -> None:
        typist.until = now
        if typist.is_told:
            typist.is_told = False
            self._tell(typing_event(*key, is_typing=False))

    def _tell(self, event: Event) -> None:
        channel = self._hub.channels.get(event.body["conversation_id"])
        if channel is None:
            return
        frame = event_frame(event)
        for connection in list(channel.listeners):
            if connection.user_id != event.body["user_id"]:
                connection.write(frame)
