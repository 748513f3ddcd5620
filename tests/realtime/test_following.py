"""How sockets come to where their conversations are, with a database and real sockets, and without a server: no hint arrives."""

from __future__ import annotations

import json
import logging
from _socket import socketpair
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask import Flask
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError
from websockets.protocol import Protocol, Side, State

from backend.bus.local import LocalBus
from backend.events import Event, typing_event
from backend.identity.authenticate import identify
from backend.models import Conversation, Message
from backend.models.base import db
from backend.realtime import gateway as socket_module
from backend.realtime.delivery import subscriptions as module
from backend.realtime.delivery.history import load_changes
from backend.realtime.delivery.subscriptions import Following
from backend.realtime.hub import Hub
from backend.realtime.places import Places
from backend.realtime.presence.introductions import Meetings
from backend.realtime.reconciler import Watch
from backend.realtime.right import Right
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import Close
from tests.client import Client
from tests.factories import Factory


class Ear:
    """A socket of *client*'s user in *hub*, and what it hears."""

    def __init__(self, hub: Hub, client: Client):
        ours, self.theirs = socketpair()
        ours.setblocking(False)
        self.theirs.setblocking(False)
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN)
        right = Right(client.user.id, 1, None, frozenset({"read"}), None)  # type: ignore[attr-defined]
        self.connection = Connection(hub, ours, right, "x", f"uid{id(self)}", None)
        hub.register(self.connection)
        self.connection.begin(b"")

    def heard(self) -> list[str]:
        """What was told since the last look: the type of each event, and the content of its message or its user's id."""
        try:
            while data := self.theirs.recv(1 << 20):
                self._protocol.receive_data(data)
        except BlockingIOError:
            pass
        frames = [json.loads(frame.data) for frame in self._protocol.events_received() if frame.data]  # type: ignore[union-attr]
        return [
            f"{f['type']} {f['message']['content'] if 'message' in f else f.get('user_id', '')}".strip() for f in frames
        ]


class House:
    """A hub, a room of *ann* and *ben*, and what they do in it."""

    def __init__(self, app: Flask, make: Factory):
        self.app = app
        self.hub = Hub(app, limits_frames=False)
        self.hub.bus = LocalBus()
        self.following = Following(self.hub)
        self.watch = Watch(self.hub, self.following)
        Meetings(self.hub)
        self.ears: list[Ear] = []
        self.ann, self.ben = make.client(), make.client()
        self.room = make.room(self.ann, "room", self.ben)
        self.name: str = self.room["conversation_id"]

    def ear(self, client: Client) -> Ear:
        self.ears.append(Ear(self.hub, client))
        return self.ears[-1]

    def say(self, *contents: str) -> None:
        for content in contents:
            response = self.ann.post("/api/chat/send", {"content": content, "room_id": self.room["id"]})
            assert response.status_code == 201, response.get_data()

    def head(self) -> tuple[int, int]:
        with self.app.app_context():
            conversation = db.session.get(Conversation, self.name)
            assert conversation is not None
            return conversation.last_modseq, conversation.last_seq

    def follow(self, ear: Ear, modseq: int, seq: int) -> None:
        with self.hub.reading():
            self.following.follow(ear.connection, self.name, modseq, seq)

    def one_behind(self) -> tuple[Ear, tuple[int, int]]:
        """A socket of ben's that lacks the message "1", which others were told, and from where it goes on."""
        start = self.head()
        self.say("1")
        here, back = self.ear(self.ann), self.ear(self.ben)
        self.follow(here, *self.head())
        return back, start

    def repair(self) -> None:
        self.following.repair(self.hub.channels[self.name])

    def set_back(self, modseq: int, seq: int) -> None:
        """What a restored backup would do to the room."""
        with self.app.app_context():
            db.session.execute(delete(Message).where(Message.conversation_id == self.name, Message.seq > seq))
            values = {"last_modseq": modseq, "last_seq": seq}
            db.session.execute(update(Conversation).where(Conversation.id == self.name).values(values))
            db.session.commit()


@pytest.fixture
def house(app: Flask, make: Factory) -> Iterator[House]:
    house = House(app, make)
    yield house
    for ear in house.ears:
        ear.connection.drop()
        ear.theirs.close()


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(module, "load_changes", fail)


AWAY = OperationalError("planted", None, ConnectionError("planted"))


def test_who_was_away_hears_the_rest_from_the_database_and_then_the_channel(house: House) -> None:
    start = house.head()
    house.say("1", "2")
    here, back = house.ear(house.ann), house.ear(house.ben)
    house.follow(here, *house.head())
    house.follow(back, *start)
    assert (here.heard(), back.heard()) == ([], ["message.created 1", "message.created 2"])
    house.say("3")
    house.repair()
    assert here.heard() == back.heard() == ["message.created 3"]


def test_the_removed_hear_what_they_missed_up_to_their_removal(house: House) -> None:
    start, ben_id = house.head(), house.ben.user.id  # type: ignore[attr-defined]
    house.say("before")
    assert house.ann.delete(f"/api/rooms/{house.room['id']}/members/{ben_id}").status_code == 204
    house.say("behind")
    here, back = house.ear(house.ann), house.ear(house.ben)
    house.follow(here, *house.head())
    house.follow(back, *start)
    assert back.heard() == ["message.created before", f"member.left {ben_id}"]
    house.say("later")
    house.repair()
    assert (here.heard(), back.heard()) == (["message.created later"], [])
    assert house.name not in back.connection.conversations


@pytest.mark.parametrize("how", ["catching up", "repair", "watch"])
def test_the_end_of_a_room_is_told_whoever_finds_it(house: House, how: str) -> None:
    start = house.head()
    house.say("last")
    here, back = house.ear(house.ann), house.ear(house.ben)
    house.follow(here, *house.head())
    assert house.ann.delete(f"/api/rooms/{house.room['id']}").status_code == 204
    if how == "catching up":
        house.follow(back, *start)
        assert back.heard() == ["room.deleted"]
        assert here.connection.conversations == {house.name}
    elif how == "repair":
        house.repair()
    else:
        house.watch.look()
    if how != "catching up":
        assert here.heard() == ["room.deleted"]
        assert (here.connection.conversations, house.hub.channels) == (set(), {})


def test_what_a_fault_stopped_goes_on_by_the_clock(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    back, start = house.one_behind()
    failing(monkeypatch, AWAY)
    house.follow(back, *start)
    house.following.retry()
    assert back.heard() == []
    monkeypatch.setattr(module, "load_changes", load_changes)
    house.following.retry()
    assert back.heard() == ["message.created 1"]
    house.following.retry()
    assert (back.heard(), house.following.behind) == ([], {})


def test_who_pauses_on_its_way_goes_on_from_where_it_was(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    back, start = house.one_behind()
    failing(monkeypatch, AWAY)
    house.follow(back, *start)
    assert house.following.pause(back.connection) == {house.name: start}
    monkeypatch.setattr(module, "load_changes", load_changes)
    house.following.retry()
    assert back.heard() == [], "it pauses"
    house.follow(back, *start)
    assert back.heard() == ["message.created 1"]


def test_who_leaves_on_its_way_hears_nothing_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another takes over, or nobody, while the database answers."""
    back, start = house.one_behind()

    def leave(*given: Any) -> Any:
        house.hub.leave(back.connection, house.name)
        return load_changes(*given)

    monkeypatch.setattr(module, "load_changes", leave)
    house.follow(back, *start)
    assert (back.heard(), house.following.behind) == ([], {})


def test_a_fault_of_ours_is_in_the_log(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    back, start = house.one_behind()
    failing(monkeypatch, KeyError("planted"))
    with caplog.at_level(logging.ERROR):
        house.follow(back, *start)
    assert f"a socket could not follow {house.name}" in caplog.text


@pytest.mark.parametrize("how", ["catching up", "watch"])
def test_a_database_that_was_set_back_is_followed_from_where_it_is(house: House, how: str) -> None:
    house.say("1")
    start = house.head()
    house.say("2", "3")
    here, back = house.ear(house.ann), house.ear(house.ben)
    house.follow(here, *house.head())
    house.set_back(*start)
    if how == "watch":
        house.watch.look()
    house.follow(back, *start)
    house.say("2, again")
    house.repair()
    assert here.heard() == back.heard() == ["message.created 2, again"]


def test_who_lacks_the_right_to_read_follows_nothing(house: House) -> None:
    ear = house.ear(house.ben)
    ear.connection.right.scopes = frozenset({"write"})
    house.follow(ear, *house.head())
    house.following.admit(ear.connection.user_id, house.name)
    gevent.sleep()
    assert (ear.connection.conversations, house.hub.channels) == (set(), {})


def test_an_admission_that_is_over_when_it_is_looked_at(house: House) -> None:
    ear, ben_id = house.ear(house.ben), house.ben.user.id  # type: ignore[attr-defined]
    assert house.ann.delete(f"/api/rooms/{house.room['id']}/members/{ben_id}").status_code == 204
    house.following.admit(ben_id, house.name)
    house.following.admit(ben_id, f"dm:{ben_id}:{ben_id + 1}")
    gevent.sleep(0.01)
    assert (ear.connection.conversations, ear.heard()) == (set(), [])


def test_typing_is_told_to_who_listens_and_ends_once(house: House) -> None:
    here = house.ear(house.ann)
    ben_id: int = house.ben.user.id  # type: ignore[attr-defined]
    for is_typing in (True, False):
        house.hub.take([typing_event(house.name, ben_id, is_typing)])  # nobody listens yet
    house.follow(here, *house.head())
    for is_typing in (False, True, False, False):
        house.hub.take([typing_event(house.name, ben_id, is_typing)])
    assert here.heard() == [f"typing {ben_id}"] * 2


def test_an_event_for_nobody_is_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.hub.take([Event("typing", {})])
    assert "an event for nobody: typing" in caplog.text


def test_a_bus_that_fails_costs_no_message(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(LocalBus, "publish", fail)
    here = house.ear(house.ann)
    house.follow(here, *house.head())
    house.say("1")
    assert "an event could not be published" in caplog.text
    house.repair()
    assert here.heard() == ["message.created 1"]


def test_a_task_that_fails_is_in_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> None:
        raise AWAY

    def fail() -> None:
        raise KeyError("planted")

    house.hub.spawn(away)
    house.hub.spawn(fail)
    gevent.sleep(0.01)
    assert "away waits for the database" in caplog.text
    assert "fail failed" in caplog.text


def test_who_comes_while_the_worker_stops_is_sent_back(house: House) -> None:
    first = house.ear(house.ann)
    house.hub.stop()
    late = house.ear(house.ann)
    assert not first.connection.is_open
    assert not late.connection.is_open


@pytest.mark.parametrize("error", [AWAY, KeyError("planted")])
def test_a_socket_that_cannot_be_opened_is_sent_back(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(socket_module, "heads_for", fail)
    live: Any = SimpleNamespace(hub=house.hub)
    with house.app.app_context():
        opening = socket_module._Opening(live, identify(str(house.ann.token)), "x")
    ours, theirs = socketpair()
    ours.setblocking(False)
    places = Places(is_limited=True)
    opening.take_over(ours, places.take("192.0.2.1"))
    goodbye = theirs.recv(1000)
    theirs.close()
    assert (goodbye[0], int.from_bytes(goodbye[2:4], "big")) == (0x88, Close.RESTARTING)
    assert (house.hub.users, house.following.behind) == ({}, {})
    assert not places.addresses
    assert ("a socket could not be opened" in caplog.text) == isinstance(error, KeyError)
    for connection in list(house.hub.closing):
        connection.drop()
