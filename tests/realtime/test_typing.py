"""Who is typing, as one hub tells its clients, with a clock that the test sets."""

from __future__ import annotations

from typing import Any

import pytest

from backend.bus.local import LocalBus
from backend.events import typing_event
from backend.realtime.hub import Hub
from backend.realtime.presence import typing as module
from tests.realtime.pair import Clock

TYPIST = 2


class Listener:
    """A hub with one listener to the lobby, who is *user_id*."""

    user_id = 1

    def __init__(self, clock: Clock) -> None:
        app: Any = None
        self.clock = clock
        self.hub = Hub(app, limits_frames=False)
        self.hub.bus = LocalBus()
        self.told: list[bool] = []
        myself: Any = self
        self.hub.channel("lobby", 0, 0).add(myself, 0)

    def write(self, data: bytes) -> None:
        self.told.append(b'"is_typing":true' in data)

    def hear(self, *states: bool) -> list[bool]:
        """Let the bus bring *states*; what the listener is told of them."""
        self.told.clear()
        for is_typing in states:
            self.hub.take([typing_event("lobby", TYPIST, is_typing)])
        return list(self.told)

    def wait(self, seconds: float) -> list[bool]:
        """Let the clock go on in ticks; what the listener is told meanwhile."""
        self.told.clear()
        for _ in range(round(seconds * 2)):
            self.clock.now += 0.5
            self.hub.typing.end_late()
        return list(self.told)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return Listener(clock)


def test_what_is_repeated_is_told_once_a_second(listener: Listener) -> None:
    assert listener.hear(True, True, True) == [True]
    assert listener.wait(0.5) == []
    assert listener.hear(True, True) == []
    assert listener.wait(0.5) == []
    assert listener.hear(True, True) == [True]


def test_the_end_is_told_at_once_and_once(listener: Listener) -> None:
    assert listener.hear(True, False, False) == [True, False]
    assert listener.wait(10) == []


def test_who_goes_to_and_fro_is_told_of_once_a_second(listener: Listener) -> None:
    assert listener.hear(True, *[False, True] * 50) == [True, False]
    assert listener.wait(0.5) == []
    assert listener.wait(0.5) == [True], "the last that was said"
    assert listener.hear(*[False, True] * 50) == [False]
    assert listener.hear(False) == []
    assert listener.wait(10) == []


def test_who_says_nothing_more_is_ended(listener: Listener) -> None:
    assert listener.hear(True) == [True]
    assert listener.wait(5.5) == []
    assert listener.hear(True) == [True]
    assert listener.wait(5.5) == []
    assert listener.wait(0.5) == [False]


def test_typists_that_have_ended_are_forgotten(listener: Listener) -> None:
    listener.hear(True, False, True)
    listener.wait(10)
    assert not listener.hub.typing._typists
