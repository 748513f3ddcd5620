"""Coalescing of events in large rooms: after a long fan-out, events are queued for a while and sent together.

A fan-out that took long is followed by a cool-down, so that a large room leaves at least a third of the worker's time to the
others. The events that are queued meanwhile go out in one write to each subscriber, which costs no more than the first of them
alone. The cool-down ends early once as many events are queued as the previous fan-out sent (docs/decisions/0009).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gevent

from backend.events import Event
from backend.realtime.delivery.channel import Channel

LONG_SECONDS = 0.001
"""A fan-out that takes longer than this has many subscribers."""

MIN_COOL_DOWN, MAX_COOL_DOWN = 0.5, 2.5
"""The length of a cool-down, in multiples of the fan-out's own length."""


@dataclass(slots=True, eq=False)
class _CoolDown:
    """The cool-down of one channel, and the inbox of events that arrived in it."""

    earliest_end: float
    latest_end: float
    previous_count: int
    inbox: list[Event] = field(default_factory=list)
    is_early_end_scheduled: bool = False

    @property
    def ends_at(self) -> float:
        is_full = len(self.inbox) >= self.previous_count
        return self.earliest_end if is_full else self.latest_end


class Pacer:
    """Passes a channel's events to *fan_out*, at once or after a cool-down. Never waits."""

    def __init__(self, fan_out: Callable[[Channel, Sequence[Event]], None]):
        self._fan_out = fan_out
        self._cool_downs: dict[Channel, _CoolDown] = {}

    def enqueue(self, channel: Channel, events: Sequence[Event]) -> None:
        """Fan out *events*, in whatever order they arrived, or queue them while the channel cools down."""
        cool_down = self._cool_downs.get(channel)
        if cool_down is None:
            self._run(channel, events)
            return
        cool_down.inbox.extend(events)
        remaining = cool_down.ends_at - time.monotonic()
        if remaining <= 0:
            self._end(channel, cool_down)
        elif cool_down.ends_at == cool_down.earliest_end and not cool_down.is_early_end_scheduled:
            cool_down.is_early_end_scheduled = True
            gevent.spawn_later(remaining, self._end, channel, cool_down)

    def _run(self, channel: Channel, events: Sequence[Event]) -> None:
        began = time.monotonic()
        self._fan_out(channel, events)
        ended = time.monotonic()
        self._cool_down(channel, ended, ended - began, len(events))

    def _cool_down(self, channel: Channel, ended: float, seconds: float, count: int) -> None:
        """Start a cool-down after a fan-out of *count* events that took *seconds*, if that was long."""
        if seconds > LONG_SECONDS:
            latest_end = ended + MAX_COOL_DOWN * seconds
            cool_down = self._cool_downs[channel] = _CoolDown(ended + MIN_COOL_DOWN * seconds, latest_end, count)
            gevent.spawn_later(MAX_COOL_DOWN * seconds, self._end, channel, cool_down)

    def _end(self, channel: Channel, cool_down: _CoolDown) -> None:
        """End *cool_down*, unless it was ended before."""
        if self._cool_downs.get(channel) is cool_down:
            del self._cool_downs[channel]
            if cool_down.inbox:
                self._run(channel, cool_down.inbox)
