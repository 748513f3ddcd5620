"""The bus between workers. It carries hints; nothing depends on their arrival, their order or their number.

Without Redis a worker hears itself alone. With it (redis_bus.py), there is a channel for each conversation and one for each
user, and a worker subscribes only to those that someone here listens to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from backend.events import Event

Deliver = Callable[[Sequence[Event]], None]
Followed = Callable[[Collection[str]], None]


class LocalBus:
    """The bus of a worker that is alone.

    `deliver` is handed every event. `followed` is told which names are heard of from now on: what happened before, the
    database knows. Nothing here waits.
    """

    def __init__(self) -> None:
        self.deliver: Deliver | None = None
        self.followed: Followed | None = None

    def publish(self, events: Sequence[Event]) -> None:
        """Hand *events* to this worker's hub."""
        if self.deliver is not None:
            self.deliver(events)

    @property
    def is_up(self) -> bool:
        """Whether the workers hear each other at this moment. One that is alone has nobody to miss."""
        return True

    def follow(self, name: str) -> None:
        """Hear of *name* from now on."""
        if self.followed is not None:
            self.followed([name])

    def unfollow(self, name: str) -> None:
        """Hear of *name* no more."""

    def start(self) -> None:
        """Nothing to start."""

    def ping(self) -> bool:
        """Whether the bus works."""
        return True
