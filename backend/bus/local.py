"""The bus of a worker that runs alone: events go straight to its own hub."""

from __future__ import annotations

from collections.abc import Sequence

from backend.bus.base import Bus, OnEvents, OnSubscribed
from backend.events import Event


class LocalBus(Bus):
    """A bus within this process."""

    def __init__(self) -> None:
        self._on_events: OnEvents | None = None
        self._on_subscribed: OnSubscribed | None = None

    def start(self, on_events: OnEvents, on_subscribed: OnSubscribed) -> None:
        self._on_events, self._on_subscribed = on_events, on_subscribed

    def publish(self, events: Sequence[Event]) -> None:
        if self._on_events is not None:
            self._on_events(events)

    def subscribe(self, topic: str) -> None:
        if self._on_subscribed is not None:
            self._on_subscribed([topic])

    def wait_until_subscribed(self) -> None:
        """Nothing to wait for."""

    def unsubscribe(self, topic: str) -> None:
        """Nothing to do: the hub drops events of conversations without subscribers."""

    @property
    def is_up(self) -> bool:
        return True

    def ping(self) -> bool:
        return True
