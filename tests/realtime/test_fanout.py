"""What many sockets hear is encoded once for all, and once for its author, who hears it first."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from backend.events import Event, message_event, read_event
from backend.realtime.delivery import fanout as module
from backend.realtime.transport.frames import author_frame, event_frame
from tests.realtime.parts import Recorder, make_server, register, subscribe


class Crowd:
    """Six users in one conversation, each with two devices, and a count of what was encoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.written: list[tuple[str, bytes]] = []
        self.encoded: Counter[str] = Counter()
        self.hub = make_server().hub
        devices = [Recorder(user_id, f"{user_id}{device}", self.written) for user_id in range(1, 7) for device in "ab"]
        register(self.hub, *devices)
        subscribe(self.hub, "lobby", *devices)
        self.channel = self.hub.channels.by_name["lobby"]
        for function in (event_frame, author_frame):
            monkeypatch.setattr(module, function.__name__, self._counting(function))

    def _counting(self, function: Any) -> Any:
        def counted(event: Event) -> bytes:
            self.encoded[function.__name__] += 1
            return bytes(function(event))

        return counted

    def heard(self, uid: str) -> bytes:
        return b"".join(data for who, data in self.written if who == uid)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(monkeypatch)


def message(number: int, sender_id: int) -> Event:
    body = {"conversation_id": "lobby", "modseq": number, "seq": number, "sender_id": sender_id}
    return message_event("message.created", body, f"key {number}")


def seen_by(user_id: int, *events: Event) -> bytes:
    return b"".join(author_frame(e) if e.author_id == user_id else event_frame(e) for e in events)


def test_each_event_is_encoded_once_and_once_more_for_its_author(crowd: Crowd) -> None:
    said = [message(1, 3), message(2, 5), message(3, 3)]
    crowd.hub.dispatch(said)
    assert crowd.encoded == {"event_frame": 3, "author_frame": 3}
    for listener in crowd.channel.subscribers:
        assert crowd.heard(listener.uid) == seen_by(listener.user_id, *said)
    assert len(crowd.written) == 12, "one write to each"


def test_authors_hear_first(crowd: Crowd) -> None:
    crowd.hub.dispatch([message(1, 6), message(2, 4)])
    assert {uid for uid, _ in crowd.written[:4]} == {"4a", "4b", "6a", "6b"}


def test_one_who_is_ahead_costs_the_others_nothing(crowd: Crowd) -> None:
    """With a floor somewhere each socket is asked what is news to it, and still nothing is encoded again."""
    (ahead,) = [listener for listener in crowd.channel.subscribers if listener.uid == "2a"]
    crowd.channel.start_offsets[ahead] = 1
    said = [message(1, 2), message(2, 3)]
    crowd.hub.dispatch(said)
    assert crowd.encoded == {"event_frame": 2, "author_frame": 2}
    assert crowd.heard("2a") == seen_by(2, said[1])
    for listener in crowd.channel.subscribers - {ahead}:
        assert crowd.heard(listener.uid) == seen_by(listener.user_id, *said)


def test_a_read_mark_goes_to_all_but_the_device_that_read(crowd: Crowd) -> None:
    crowd.hub.dispatch([read_event("lobby", 4, 7, source_connection="4a")])
    assert crowd.encoded == {"event_frame": 1}
    assert {uid for uid, _ in crowd.written} == {listener.uid for listener in crowd.channel.subscribers} - {"4a"}


def test_an_author_s_device_that_does_not_listen_hears_nothing(crowd: Crowd) -> None:
    (away,) = [listener for listener in crowd.channel.subscribers if listener.uid == "3b"]
    crowd.channel.remove_subscriber(away)
    crowd.hub.dispatch([message(1, 3)])
    assert crowd.heard("3b") == b""
    assert crowd.heard("3a") == seen_by(3, message(1, 3))
