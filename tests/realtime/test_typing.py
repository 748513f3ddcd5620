"""Who is typing, as one hub tells its clients, with a clock that the test sets."""

from __future__ import annotations

import pytest

from backend.events import typing_event
from backend.realtime.presence import typing as module
from tests.realtime.pair import Clock
from tests.realtime.parts import Recorder, make_server, subscribe

TYPIST = 2


class Listener:
    """A hub with one subscriber of the lobby."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.hub = make_server().hub
        self._subscriber = Recorder(1)
        subscribe(self.hub, "lobby", self._subscriber)

    def hear(self, *states: bool) -> list[bool]:
        """Let the bus bring *states*. Returns what the subscriber gets."""
        self._subscriber.written.clear()
        for is_typing in states:
            self.hub.dispatch([typing_event("lobby", TYPIST, is_typing)])
        return self._received()

    def wait(self, seconds: float) -> list[bool]:
        """Let the clock go on in ticks. Returns what the subscriber gets meanwhile."""
        self._subscriber.written.clear()
        for _ in range(round(seconds * 2)):
            self.clock.now += 0.5
            self.hub.typing.expire()
        return self._received()

    def _received(self) -> list[bool]:
        return [b'"is_typing":true' in data for data in self._subscriber.written]


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
    assert listener.hub.typing.is_empty
