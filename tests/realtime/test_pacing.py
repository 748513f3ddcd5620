"""A large room cools down after each fan-out; the events that arrive meanwhile go out in one write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from backend.events import Event, message_event
from backend.http.json import encode
from backend.realtime.delivery import pacing as module
from backend.realtime.delivery.channel import Channel
from backend.realtime.delivery.pacing import MAX_COOL_DOWN, MIN_COOL_DOWN, Pacer
from backend.realtime.transport.frames import event_frame, text_frame
from tests.realtime.recorder import Recorder, make_server, subscribe


class SlowSubscriber(Recorder):
    """The only subscriber of a hub. A write to it takes *seconds*, by which the clock moves on."""

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

    def dispatch(self, *numbers: int) -> None:
        self.hub.dispatch([message(number) for number in numbers])

    def _spawn_later(self, after: float, task: Callable[..., None], *args: Any) -> None:
        self.later.append((self.now + after, task, args))

    def wait(self) -> float:
        """Move the clock to the next scheduled task, and run it. Returns the seconds that passed."""
        self.later.sort(key=lambda entry: entry[0])
        at, task, args = self.later.pop(0)
        waited, self.now = at - self.now, max(self.now, at)
        task(*args)
        return waited


def message(number: int) -> Event:
    return message_event(
        "message.created", {"conversation_id": "lobby", "modseq": number, "seq": number, "sender_id": 2}
    )


def modseqs(events: Sequence[Event]) -> list[int | None]:
    return [event.modseq for event in events]


def frames(*numbers: int) -> bytes:
    return b"".join(event_frame(message(number)) for number in numbers)


def test_events_of_a_cool_down_are_sent_together_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    subscriber = SlowSubscriber(monkeypatch, 0.005)
    subscriber.dispatch(1)
    subscriber.dispatch(3)
    subscriber.dispatch(2)
    subscriber.dispatch(1)
    assert subscriber.written == [frames(1)]
    assert subscriber.wait() == pytest.approx(MIN_COOL_DOWN * 0.005)
    assert subscriber.written == [frames(1), frames(2, 3)]
    subscriber.now += 1
    subscriber.later.clear()
    subscriber.dispatch(4)
    assert subscriber.written[2:] == [frames(4)]


def test_a_cool_down_ends_once_as_many_events_are_queued_as_were_sent_before(monkeypatch: pytest.MonkeyPatch) -> None:
    subscriber = SlowSubscriber(monkeypatch, 0.005)
    subscriber.dispatch(1, 2)
    subscriber.dispatch(3)
    assert subscriber.wait() == pytest.approx(MAX_COOL_DOWN * 0.005), "only one of two events is queued"
    assert subscriber.written[1:] == [frames(3)]
    subscriber.dispatch(4, 5, 6)
    assert subscriber.wait() == pytest.approx(MIN_COOL_DOWN * 0.005), "never shorter, however many are queued"
    assert subscriber.written[2:] == [frames(4, 5, 6)]
    subscriber.dispatch(7)
    subscriber.now += 0.005
    subscriber.dispatch(8)
    assert subscriber.written[3:] == []
    subscriber.dispatch(9)
    assert subscriber.written[3:] == [frames(7, 8, 9)], "as many are queued as were sent before"
    began = subscriber.now
    subscriber.dispatch(10)
    while not subscriber.written[4:]:  # the timer of the cool-down that ended early comes first
        subscriber.wait()
    assert subscriber.written[4:] == [frames(10)]
    assert subscriber.now - began == pytest.approx(MAX_COOL_DOWN * 0.005 + 0.005)


def test_a_cool_down_takes_from_half_to_two_and_a_half_times_as_long_as_its_fan_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscriber = SlowSubscriber(monkeypatch, 0.25)
    subscriber.dispatch(1, 2)
    subscriber.dispatch(3)
    assert subscriber.wait() == 0.625
    subscriber.later.clear()
    subscriber.dispatch(4)
    assert subscriber.wait() == 0.125
    subscriber.later.clear()
    subscriber.now += 0.125
    subscriber.dispatch(5)
    assert subscriber.written == [frames(1, 2), frames(3), frames(4), frames(5)], (
        "at the very moment of its earliest end"
    )


def test_a_room_that_became_quick_receives_each_event_at_once_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now, ends, sent = [100.0], [], []

    def fan_out(channel: Channel, events: Sequence[Event]) -> None:
        sent.append(modseqs(events))
        now[0] += 1.0 if sent == [[1]] else 0.0

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(module.gevent, "spawn_later", lambda after, task, *args: ends.append(partial(task, *args)))
    pacer, channel = Pacer(fan_out), Channel("lobby", 0, 0)
    pacer.enqueue(channel, [message(1)])
    pacer.enqueue(channel, [message(2)])
    assert sent == [[1]]
    for end in ends:
        end()
    pacer.enqueue(channel, [message(3)])
    pacer.enqueue(channel, [message(4)])
    assert sent == [[1], [2], [3], [4]]


def test_events_beyond_as_many_as_were_sent_before_need_no_further_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    subscriber = SlowSubscriber(monkeypatch, 0.005)
    subscriber.dispatch(1)
    for number in range(2, 30):
        subscriber.dispatch(number)
    assert len(subscriber.later) == 2, "one for the latest end, one for the earliest"


@pytest.mark.parametrize("size", [0, 1, 115, 116, 117, 118, 65_525, 65_526, 65_527, 70_000])
def test_a_text_frame_equals_that_of_the_library(size: int) -> None:
    body = {"x": "y" * size}
    assert text_frame(body) == Frame(Opcode.TEXT, encode(body)).serialize(mask=False)
