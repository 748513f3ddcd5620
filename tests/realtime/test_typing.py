"""Typing events of one hub, with a clock that the test sets."""

from __future__ import annotations

import pytest

from backend.events import typing_event
from backend.realtime.presence import typing as module
from tests.realtime.pair import Clock
from tests.realtime.recorder import Recorder, make_server, subscribe

TYPIST = 2


class Subscriber:
    """The only subscriber of the lobby, and its hub."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.hub = make_server().hub
        self._recorder = Recorder(1)
        subscribe(self.hub, "lobby", self._recorder)

    def dispatch(self, *states: bool) -> list[bool]:
        """Dispatch a typing event for each of *states*. Returns the states that the subscriber receives."""
        self._recorder.written.clear()
        for is_typing in states:
            self.hub.dispatch([typing_event("lobby", TYPIST, is_typing)])
        return self._received()

    def wait(self, seconds: float) -> list[bool]:
        """Move the clock by *seconds*, half a second at a time. Returns the states that the subscriber receives."""
        self._recorder.written.clear()
        for _ in range(round(seconds * 2)):
            self.clock.now += 0.5
            self.hub.typing.expire()
        return self._received()

    def _received(self) -> list[bool]:
        return [b'"is_typing":true' in data for data in self._recorder.written]


@pytest.fixture
def subscriber(monkeypatch: pytest.MonkeyPatch) -> Subscriber:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return Subscriber(clock)


def test_repeated_typing_is_sent_once_a_second(subscriber: Subscriber) -> None:
    assert subscriber.dispatch(True, True, True) == [True]
    assert subscriber.wait(0.5) == []
    assert subscriber.dispatch(True, True) == []
    assert subscriber.wait(0.5) == []
    assert subscriber.dispatch(True, True) == [True]


def test_the_end_of_typing_is_sent_at_once_and_once(subscriber: Subscriber) -> None:
    assert subscriber.dispatch(True, False, False) == [True, False]
    assert subscriber.wait(10) == []


def test_alternating_states_are_sent_once_a_second(subscriber: Subscriber) -> None:
    assert subscriber.dispatch(True, *[False, True] * 50) == [True, False]
    assert subscriber.wait(0.5) == []
    assert subscriber.wait(0.5) == [True], "the last state"
    assert subscriber.dispatch(*[False, True] * 50) == [False]
    assert subscriber.dispatch(False) == []
    assert subscriber.wait(10) == []


def test_typing_that_is_not_renewed_ends(subscriber: Subscriber) -> None:
    assert subscriber.dispatch(True) == [True]
    assert subscriber.wait(5.5) == []
    assert subscriber.dispatch(True) == [True]
    assert subscriber.wait(5.5) == []
    assert subscriber.wait(0.5) == [False]


def test_typists_that_have_ended_are_forgotten(subscriber: Subscriber) -> None:
    subscriber.dispatch(True, False, True)
    subscriber.wait(10)
    assert subscriber.hub.typing.is_empty
