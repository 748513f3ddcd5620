"""Subscriptions, repair and reconciliation with a database and real sockets, but without a bus: no event arrives by itself."""

from __future__ import annotations

import json
import logging
from _socket import socketpair
from collections.abc import Iterator
from dataclasses import replace
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
from backend.identity.identity import Credentials
from backend.models import Conversation, Message
from backend.models.base import db
from backend.realtime import gateway
from backend.realtime.delivery import history as module
from backend.realtime.delivery.history import load_changes
from backend.realtime.server import RealtimeServer
from backend.realtime.transport.connection_limits import ConnectionLimits
from backend.realtime.transport.frames import Close
from tests.client import Client
from tests.factories import Factory
from tests.realtime.parts import make_server


class Device:
    """A socket of *client*'s user, and the events that it receives."""

    def __init__(self, server: RealtimeServer, client: Client):
        ours, self.theirs = socketpair()
        ours.setblocking(False)
        self.theirs.setblocking(False)
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN)
        credentials = Credentials(client.user.id, frozenset({"read"}), session_id=1)  # type: ignore[attr-defined]
        slot = server.limits.acquire("192.0.2.1")
        self.connection = server.connect(ours, credentials, "x", slot)
        server.hub.add(self.connection)
        self.connection.begin(b"")

    def received(self) -> list[str]:
        """What arrived since the last call: the type of each event, and the content of its message or its user's id."""
        try:
            while data := self.theirs.recv(1 << 20):
                self._protocol.receive_data(data)
        except BlockingIOError:
            pass
        frames = [json.loads(frame.data) for frame in self._protocol.events_received() if frame.data]  # type: ignore[union-attr]
        return [
            f"{f['type']} {f['message']['content'] if 'message' in f else f.get('user_id', '')}".strip() for f in frames
        ]


class Scene:
    """A realtime server that was not started, and a room of *ann* and *ben*."""

    def __init__(self, app: Flask, make: Factory):
        self.app = app
        self.server = make_server(app)
        self.hub, self.reconciler = self.server.hub, self.server.reconciler
        self.devices: list[Device] = []
        self.ann, self.ben = make.client(), make.client()
        self.room = make.room(self.ann, "room", self.ben)
        self.name: str = self.room["conversation_id"]

    def device(self, client: Client) -> Device:
        self.devices.append(Device(self.server, client))
        return self.devices[-1]

    def send(self, *contents: str) -> None:
        for content in contents:
            response = self.ann.post("/api/chat/send", {"content": content, "room_id": self.room["id"]})
            assert response.status_code == 201, response.get_data()

    def head(self) -> tuple[int, int]:
        with self.app.app_context():
            conversation = db.session.get(Conversation, self.name)
            assert conversation is not None
            return conversation.last_modseq, conversation.last_seq

    def subscribe(self, device: Device, modseq: int, seq: int) -> None:
        with self.hub.runtime.reading():
            self.hub.subscribe(device.connection, self.name, modseq, seq)

    def one_behind(self) -> tuple[Device, tuple[int, int]]:
        """A socket of ben's that lacks the message "1", which others were told, and from where it goes on."""
        start = self.head()
        self.send("1")
        here, back = self.device(self.ann), self.device(self.ben)
        self.subscribe(here, *self.head())
        return back, start

    def repair(self) -> None:
        self.hub.repair(self.hub.channels.by_name[self.name])

    def restore_backup(self, modseq: int, seq: int) -> None:
        """What a restored backup would do to the room."""
        with self.app.app_context():
            db.session.execute(delete(Message).where(Message.conversation_id == self.name, Message.seq > seq))
            values = {"last_modseq": modseq, "last_seq": seq}
            db.session.execute(update(Conversation).where(Conversation.id == self.name).values(values))
            db.session.commit()


@pytest.fixture
def scene(app: Flask, make: Factory) -> Iterator[Scene]:
    scene = Scene(app, make)
    yield scene
    for device in scene.devices:
        device.connection.drop()
        device.theirs.close()


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(module, "load_changes", fail)


AWAY = OperationalError("planted", None, ConnectionError("planted"))


def test_a_device_gets_what_it_missed_from_the_database_and_then_from_the_channel(scene: Scene) -> None:
    start = scene.head()
    scene.send("1", "2")
    here, back = scene.device(scene.ann), scene.device(scene.ben)
    scene.subscribe(here, *scene.head())
    scene.subscribe(back, *start)
    assert (here.received(), back.received()) == ([], ["message.created 1", "message.created 2"])
    scene.send("3")
    scene.repair()
    assert here.received() == back.received() == ["message.created 3"]


def test_a_removed_user_gets_what_it_missed_up_to_the_removal(scene: Scene) -> None:
    start, ben_id = scene.head(), scene.ben.user.id  # type: ignore[attr-defined]
    scene.send("before")
    assert scene.ann.delete(f"/api/rooms/{scene.room['id']}/members/{ben_id}").status_code == 204
    scene.send("behind")
    here, back = scene.device(scene.ann), scene.device(scene.ben)
    scene.subscribe(here, *scene.head())
    scene.subscribe(back, *start)
    assert back.received() == ["message.created before", f"member.left {ben_id}"]
    scene.send("later")
    scene.repair()
    assert (here.received(), back.received()) == (["message.created later"], [])
    assert scene.name not in back.connection.conversations


@pytest.mark.parametrize("how", ["catching up", "repair", "reconciliation"])
def test_the_deletion_of_a_room_is_sent_however_it_is_found(scene: Scene, how: str) -> None:
    start = scene.head()
    scene.send("last")
    here, back = scene.device(scene.ann), scene.device(scene.ben)
    scene.subscribe(here, *scene.head())
    assert scene.ann.delete(f"/api/rooms/{scene.room['id']}").status_code == 204
    if how == "catching up":
        scene.subscribe(back, *start)
        assert back.received() == ["room.deleted"]
        assert here.connection.conversations == {scene.name}
    elif how == "repair":
        scene.repair()
    else:
        scene.reconciler.reconcile()
    if how != "catching up":
        assert here.received() == ["room.deleted"]
        assert (here.connection.conversations, scene.hub.channels.by_name) == (set(), {})


def test_an_interrupted_subscription_is_retried(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    back, start = scene.one_behind()
    failing(monkeypatch, AWAY)
    scene.subscribe(back, *start)
    scene.hub.retry_subscriptions()
    assert back.received() == []
    monkeypatch.setattr(module, "load_changes", load_changes)
    scene.hub.retry_subscriptions()
    assert back.received() == ["message.created 1"]
    scene.hub.retry_subscriptions()
    assert (back.received(), scene.hub.subscriptions.pending) == ([], {})


def test_a_pending_subscription_that_is_paused_continues_from_its_position(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, start = scene.one_behind()
    failing(monkeypatch, AWAY)
    scene.subscribe(back, *start)
    assert scene.hub.subscriptions.pause(back.connection) == {scene.name: start}
    monkeypatch.setattr(module, "load_changes", load_changes)
    scene.hub.retry_subscriptions()
    assert back.received() == [], "it pauses"
    scene.subscribe(back, *start)
    assert back.received() == ["message.created 1"]


def test_a_device_that_unsubscribes_while_it_catches_up_gets_nothing_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another takes over, or nobody, while the database answers."""
    back, start = scene.one_behind()

    def leave(*given: Any) -> Any:
        scene.hub.subscriptions.unsubscribe(back.connection, scene.name)
        return load_changes(*given)

    monkeypatch.setattr(module, "load_changes", leave)
    scene.subscribe(back, *start)
    assert (back.received(), scene.hub.subscriptions.pending) == ([], {})


def test_an_unexpected_error_is_logged(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    back, start = scene.one_behind()
    failing(monkeypatch, KeyError("planted"))
    with caplog.at_level(logging.ERROR):
        scene.subscribe(back, *start)
    assert f"a socket could not be subscribed to {scene.name}" in caplog.text


@pytest.mark.parametrize("how", ["catching up", "reconciliation"])
def test_a_database_restored_from_a_backup_is_followed_from_its_head(scene: Scene, how: str) -> None:
    scene.send("1")
    start = scene.head()
    scene.send("2", "3")
    here, back = scene.device(scene.ann), scene.device(scene.ben)
    scene.subscribe(here, *scene.head())
    scene.restore_backup(*start)
    if how == "reconciliation":
        scene.reconciler.reconcile()
    scene.subscribe(back, *start)
    scene.send("2, again")
    scene.repair()
    assert here.received() == back.received() == ["message.created 2, again"]


def test_a_device_without_the_scope_read_is_subscribed_to_nothing(scene: Scene) -> None:
    device = scene.device(scene.ben)
    device.connection.credentials = replace(device.connection.credentials, scopes=frozenset({"write"}))
    scene.subscribe(device, *scene.head())
    scene.hub.subscribe_user(device.connection.user_id, scene.name)
    gevent.sleep()
    assert (device.connection.conversations, scene.hub.channels.by_name) == (set(), {})


def test_a_user_who_left_before_the_subscription_is_not_subscribed(scene: Scene) -> None:
    device, ben_id = scene.device(scene.ben), scene.ben.user.id  # type: ignore[attr-defined]
    assert scene.ann.delete(f"/api/rooms/{scene.room['id']}/members/{ben_id}").status_code == 204
    scene.hub.subscribe_user(ben_id, scene.name)
    scene.hub.subscribe_user(ben_id, f"dm:{ben_id}:{ben_id + 1}")
    gevent.sleep(0.01)
    assert (device.connection.conversations, device.received()) == (set(), [])


def test_typing_reaches_subscribers_and_ends_once(scene: Scene) -> None:
    here = scene.device(scene.ann)
    ben_id: int = scene.ben.user.id  # type: ignore[attr-defined]
    for is_typing in (True, False):
        scene.hub.dispatch([typing_event(scene.name, ben_id, is_typing)])  # nobody listens yet
    scene.subscribe(here, *scene.head())
    for is_typing in (False, True, False, False):
        scene.hub.dispatch([typing_event(scene.name, ben_id, is_typing)])
    assert here.received() == [f"typing {ben_id}"] * 2


def test_an_event_without_a_receiver_is_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.hub.dispatch([Event("typing", {})])
    assert "dropped an event without a conversation or a user: typing" in caplog.text


def test_a_bus_that_fails_costs_no_message(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(LocalBus, "publish", fail)
    here = scene.device(scene.ann)
    scene.subscribe(here, *scene.head())
    scene.send("1")
    assert "an event could not be published" in caplog.text
    scene.repair()
    assert here.received() == ["message.created 1"]


def test_a_background_task_that_fails_is_logged(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> None:
        raise AWAY

    def fail() -> None:
        raise KeyError("planted")

    scene.hub.runtime.spawn(away)
    scene.hub.runtime.spawn(fail)
    gevent.sleep(0.01)
    assert "away failed: the database is away" in caplog.text
    assert "fail failed" in caplog.text


def test_a_device_that_connects_while_the_worker_stops_is_closed(scene: Scene) -> None:
    first = scene.device(scene.ann)
    scene.hub.stop()
    late = scene.device(scene.ann)
    assert not first.connection.is_open
    assert not late.connection.is_open


@pytest.mark.parametrize("error", [AWAY, KeyError("planted")])
def test_a_socket_that_cannot_be_opened_is_closed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(gateway, "heads_for", fail)
    with scene.app.app_context():
        opening = gateway._Opening(scene.server, identify(str(scene.ann.token)), "x")
    ours, theirs = socketpair()
    ours.setblocking(False)
    limits = ConnectionLimits(is_limited=True)
    opening.complete(ours, limits.acquire("192.0.2.1"))
    goodbye = theirs.recv(1000)
    theirs.close()
    assert (goodbye[0], int.from_bytes(goodbye[2:4], "big")) == (0x88, Close.RESTARTING)
    assert (scene.hub.registry.users, scene.hub.subscriptions.pending) == ({}, {})
    assert not limits.addresses
    assert ("a socket could not be opened" in caplog.text) == isinstance(error, KeyError)
    for connection in list(scene.hub.registry.closing):
        connection.drop()
