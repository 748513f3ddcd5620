"""A crowded room rests after each delivery, and what gathers meanwhile goes out in one write."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from backend.http.json import encode
from backend.realtime import hub as module
from backend.realtime.events import Event, message_event
from backend.realtime.hub import Hub
from backend.realtime.protocol import event_frame, text_frame


class Crowd:
    """A hub with one listener, to which a write takes *seconds*, and a clock that only that moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float):
        self.now, self.seconds = 100.0, seconds
        self.written: list[bytes] = []
        self.later: list[tuple[float, Callable[..., None], Any]] = []
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(module.gevent, "spawn_later", lambda after, *task: self.later.append((after, *task)))
        app: Any = None
        self.hub = Hub(app, limits_frames=False)
        self.hub.bus = SimpleNamespace(follow=lambda name: None, unfollow=lambda name: None)
        self.right = SimpleNamespace(user_id=1)
        listener: Any = self
        self.hub.channel("lobby", 0, 0).add(listener, 0)

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.now += self.seconds

    def come(self, *numbers: int) -> None:
        self.hub.take([message(number) for number in numbers])


def message(number: int) -> Event:
    return message_event(
        "message.created", {"conversation_id": "lobby", "modseq": number, "seq": number, "sender_id": 2}
    )


def frames(*numbers: int) -> bytes:
    return b"".join(event_frame(message(number)) for number in numbers)


def test_what_comes_in_a_rest_goes_out_together_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(monkeypatch, 0.005)
    crowd.come(1)
    crowd.come(3)
    crowd.come(2)
    crowd.come(1)
    assert crowd.written == [frames(1)]
    [(after, task, channel)] = crowd.later
    assert after == pytest.approx(0.005)
    crowd.now += after
    task(channel)
    assert crowd.written == [frames(1), frames(2, 3)]
    crowd.now += 1
    crowd.come(4)
    assert crowd.written[2:] == [frames(4)]


def test_a_small_room_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(monkeypatch, 0.0005)
    crowd.come(1)
    crowd.come(2)
    assert crowd.written == [frames(1), frames(2)]


@pytest.mark.parametrize("size", [0, 1, 115, 116, 117, 118, 65_525, 65_526, 65_527, 70_000])
def test_a_frame_is_what_the_library_would_make_of_it(size: int) -> None:
    body = {"x": "y" * size}
    assert text_frame(body) == Frame(Opcode.TEXT, encode(body)).serialize(mask=False)
