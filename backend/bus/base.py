"""The bus between workers: what every implementation offers.

The bus carries hints. Nothing depends on their arrival, their order or their number: the database holds every durable event, and
the reconciler finds what the bus lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

from backend.events import Event

OnEvents = Callable[[Sequence[Event]], None]
OnSubscribed = Callable[[Collection[str]], None]


class Bus(ABC):
    """A publish/subscribe bus. A topic is `c:` and a conversation's id, or `u:` and a user's id.

    No method blocks but `wait_until_subscribed` and `ping`.
    """

    @abstractmethod
    def start(self, on_events: OnEvents, on_subscribed: OnSubscribed) -> None:
        """Begin to receive.

        *on_events* gets every event of a subscribed topic. *on_subscribed* gets the topics whose events are received from now on:
        earlier events must be read from the database.
        """

    @abstractmethod
    def publish(self, events: Sequence[Event]) -> None:
        """Send *events* to every worker that subscribes to their topics, this one included."""

    @abstractmethod
    def subscribe(self, topic: str) -> None:
        """Ask for the events of *topic*; `on_subscribed` tells from when they are received."""

    @abstractmethod
    def wait_until_subscribed(self) -> None:
        """Wait until the events of every topic that was asked for so far are received.

        Ends after two seconds at most, and soon if the server behind the bus is away: its events are lost then anyway.
        """

    @abstractmethod
    def unsubscribe(self, topic: str) -> None:
        """Receive no more events of *topic*."""

    @property
    @abstractmethod
    def is_up(self) -> bool:
        """Whether events reach the other workers at this moment."""

    @abstractmethod
    def ping(self) -> bool:
        """Whether the server behind the bus answers. May take up to a second."""
