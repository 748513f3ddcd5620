"""A large room cools down after each fan-out; the events that arrive meanwhile go out in one write."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from backend.events import Event, message_event
from backend.http.json import encode
from backend.realtime.delivery import pacing as module
from backend.realtime.delivery.pacing import MAX_COOL_DOWN, MIN_COOL_DOWN
from backend.realtime.transport.frames import event_frame, text_frame
from tests.realtime.parts import Recorder, make_server, subscribe


class SlowSubscriber(Recorder):
    """The only subscriber of a hub, to whom a write takes *seconds*. Only that moves the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float):
        super().__init__(1)
        self.now, self.seconds = 100.0, seconds
        self.later: list[tuple[float, Callable[..., None], Any]] = []
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(module.gevent, "spawn_later", self._spawn_later)
        self.hub = make_server().hub
        subscribe(self.hub, "lobby", self)

    def write(self, data: bytes) -> None:
        super().write(data)
        self.now += self.seconds

    def come(self, *numbers: int) -> None:
        self.hub.dispatch([message(number) for number in numbers])

    def _spawn_later(self, after: float, task: Callable[..., None], *args: Any) -> None:
        self.later.append((self.now + after, task, args))

    def wait(self) -> float:
        """Let the clock go to the next of what is to be done later, and do it. Returns how long that was."""
        self.later.sort(key=lambda entry: entry[0])
        at, task, args = self.later.pop(0)
        waited, self.now = at - self.now, max(self.now, at)
        task(*args)
        return waited


def message(number: int) -> Event:
    return message_event(
        "message.created", {"conversation_id": "lobby", "modseq": number, "seq": number, "sender_id": 2}
    )


def frames(*numbers: int) -> bytes:
    return b"".join(event_frame(message(number)) for number in numbers)


def test_what_comes_in_a_rest_goes_out_together_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = SlowSubscriber(monkeypatch, 0.005)
    crowd.come(1)
    crowd.come(3)
    crowd.come(2)
    crowd.come(1)
    assert crowd.written == [frames(1)]
    assert crowd.wait() == pytest.approx(MIN_COOL_DOWN * 0.005)
    assert crowd.written == [frames(1), frames(2, 3)]
    crowd.now += 1
    crowd.later.clear()
    crowd.come(4)
    assert crowd.written[2:] == [frames(4)]


def test_a_rest_lasts_until_as_many_have_come_as_the_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = SlowSubscriber(monkeypatch, 0.005)
    crowd.come(1, 2)
    crowd.come(3)
    assert crowd.wait() == pytest.approx(MAX_COOL_DOWN * 0.005), "the other did not come"
    assert crowd.written[1:] == [frames(3)]
    crowd.come(4, 5, 6)
    assert crowd.wait() == pytest.approx(MIN_COOL_DOWN * 0.005), "however many come"
    assert crowd.written[2:] == [frames(4, 5, 6)]
    crowd.come(7)
    crowd.now += 0.005
    crowd.come(8)
    assert crowd.written[3:] == []
    crowd.come(9)
    assert crowd.written[3:] == [frames(7, 8, 9)], "all are there"
    began = crowd.now
    crowd.come(10)
    while not crowd.written[4:]:  # the timer of the cool-down that ended early comes first
        crowd.wait()
    assert crowd.written[4:] == [frames(10)]
    assert crowd.now - began == pytest.approx(MAX_COOL_DOWN * 0.005 + 0.005)


@pytest.mark.parametrize("size", [0, 1, 115, 116, 117, 118, 65_525, 65_526, 65_527, 70_000])
def test_a_frame_is_what_the_library_would_make_of_it(size: int) -> None:
    body = {"x": "y" * size}
    assert text_frame(body) == Frame(Opcode.TEXT, encode(body)).serialize(mask=False)
