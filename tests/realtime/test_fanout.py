"""An event is encoded once for everybody and once for its author, whose sockets are written to first."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from backend.events import Event, message_event, read_event
from backend.realtime.delivery import fanout as module
from backend.realtime.transport.frames import author_frame, event_frame
from tests.realtime.recorder import Recorder, make_server, register, subscribe


class Lobby:
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

    def received(self, uid: str) -> bytes:
        return b"".join(data for receiver, data in self.written if receiver == uid)


@pytest.fixture
def lobby(monkeypatch: pytest.MonkeyPatch) -> Lobby:
    return Lobby(monkeypatch)


def message(number: int, sender_id: int) -> Event:
    body = {"conversation_id": "lobby", "modseq": number, "seq": number, "sender_id": sender_id}
    return message_event("message.created", body, f"key {number}")


def frames_of(user_id: int, *events: Event) -> bytes:
    return b"".join(author_frame(e) if e.author_id == user_id else event_frame(e) for e in events)


def test_each_event_is_encoded_once_and_once_more_for_its_author(lobby: Lobby) -> None:
    events = [message(1, 3), message(2, 5), message(3, 3)]
    lobby.hub.dispatch(events)
    assert lobby.encoded == {"event_frame": 3, "author_frame": 3}
    for subscriber in lobby.channel.subscribers:
        assert lobby.received(subscriber.uid) == frames_of(subscriber.user_id, *events)
    assert len(lobby.written) == 12, "one write to each"


def test_the_sockets_of_authors_are_written_to_first(lobby: Lobby) -> None:
    lobby.hub.dispatch([message(1, 6), message(2, 4)])
    assert {uid for uid, _ in lobby.written[:4]} == {"4a", "4b", "6a", "6b"}


def test_a_subscriber_ahead_of_the_channel_causes_no_further_encoding(lobby: Lobby) -> None:
    """With a start offset, each socket gets only the events that it has not received; they are not encoded again."""
    (ahead,) = [subscriber for subscriber in lobby.channel.subscribers if subscriber.uid == "2a"]
    lobby.channel.start_offsets[ahead] = 1
    events = [message(1, 2), message(2, 3)]
    lobby.hub.dispatch(events)
    assert lobby.encoded == {"event_frame": 2, "author_frame": 2}
    assert lobby.received("2a") == frames_of(2, events[1])
    for subscriber in lobby.channel.subscribers - {ahead}:
        assert lobby.received(subscriber.uid) == frames_of(subscriber.user_id, *events)


def test_a_read_mark_is_sent_to_all_but_the_device_that_read(lobby: Lobby) -> None:
    lobby.hub.dispatch([read_event("lobby", 4, 7, source_connection="4a")])
    assert lobby.encoded == {"event_frame": 1}
    assert {uid for uid, _ in lobby.written} == {subscriber.uid for subscriber in lobby.channel.subscribers} - {"4a"}


def test_a_device_of_the_author_that_is_not_subscribed_receives_nothing(lobby: Lobby) -> None:
    (away,) = [subscriber for subscriber in lobby.channel.subscribers if subscriber.uid == "3b"]
    lobby.channel.remove_subscriber(away)
    lobby.hub.dispatch([message(1, 3)])
    assert lobby.received("3b") == b""
    assert lobby.received("3a") == frames_of(3, message(1, 3))
