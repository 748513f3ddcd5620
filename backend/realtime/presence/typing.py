"""Typing indicators. Every worker ends them by itself, so that none outlives a worker that was killed."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from backend.events import Event, typing_event
from backend.realtime.delivery.channels import Channels
from backend.realtime.transport.frames import TYPING_SECONDS, event_frame

REPEAT_SECONDS = 1.0
"""Subscribers get at most one `typing` event of a user in this time, however often its client sends them."""


@dataclass(slots=True)
class _Typist:
    """A user who types: when that expires, when the last event was sent, and whether it said that the user types."""

    until: float
    sent_at: float = -math.inf
    is_shown: bool = False


class TypingTracker:
    """Sends `typing` events: the start of typing at most once a second, the end at once."""

    def __init__(self, channels: Channels):
        self._channels = channels
        self._typists: dict[tuple[str, int], _Typist] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no user is known to type."""
        return not self._typists

    def handle(self, event: Event) -> None:
        """Forward a `typing` event, or delay it until its second has passed; and record when it expires.

        An event of a conversation without subscribers is dropped, so that a later subscriber gets the next one at once.
        """
        if self._channels.get(event.body["conversation_id"]) is None:
            return
        key, now = (event.body["conversation_id"], event.body["user_id"]), time.monotonic()
        typist = self._typists.get(key)
        if event.body["is_typing"]:
            if typist is None:
                typist = self._typists[key] = _Typist(now)
            typist.until = now + TYPING_SECONDS
            if now - typist.sent_at >= REPEAT_SECONDS:
                self._start(key, typist, now)
        elif typist is not None:
            self._stop(key, typist, now)

    def expire(self) -> None:
        """End the typing that no event has renewed in time, and send what was delayed long enough."""
        now = time.monotonic()
        for key, typist in list(self._typists.items()):
            if typist.until <= now:
                self._stop(key, typist, now)
                if now - typist.sent_at >= REPEAT_SECONDS:
                    del self._typists[key]
            elif not typist.is_shown and now - typist.sent_at >= REPEAT_SECONDS:
                self._start(key, typist, now)

    def _start(self, key: tuple[str, int], typist: _Typist, now: float) -> None:
        typist.sent_at, typist.is_shown = now, True
        self._send(typing_event(*key, is_typing=True))

    def _stop(self, key: tuple[str, int], typist: _Typist, now: float) -> None:
        typist.until = now
        if typist.is_shown:
            typist.is_shown = False
            self._send(typing_event(*key, is_typing=False))

    def _send(self, event: Event) -> None:
        channel = self._channels.get(event.body["conversation_id"])
        if channel is None:
            return
        frame = event_frame(event)
        for connection in list(channel.subscribers):
            if connection.user_id != event.body["user_id"]:
                connection.write(frame)
