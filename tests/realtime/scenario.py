"""A realtime server with a database and real sockets, but without a bus: no event arrives by itself."""

from __future__ import annotations

import json
import time
from _socket import socketpair
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from flask import Flask
from sqlalchemy import delete, update
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State

from backend.events import Event
from backend.identity.identity import Credentials
from backend.models import Conversation, Message, Room
from backend.models.base import db
from backend.realtime.delivery import history
from backend.realtime.server import RealtimeServer
from tests.client import Client
from tests.factories import Factory
from tests.realtime.recorder import make_server


class Device:
    """A socket of *client*'s user, and the events that it receives."""

    def __init__(self, server: RealtimeServer, client: Client, client_id: str, scopes: frozenset[str]):
        ours, self.theirs = socketpair()
        ours.setblocking(False)
        self.theirs.setblocking(False)
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN)
        credentials = Credentials(client.user.id, scopes, session_id=1)  # type: ignore[attr-defined]
        self._on_frames = server.callbacks.on_frames
        slot = server.limits.acquire("192.0.2.1")
        self.connection = server.connect(ours, credentials, client_id, slot)
        server.hub.add(self.connection)
        self.connection.begin(b"")

    def command(self, type_: str, **fields: Any) -> None:
        """Let the server handle a frame of the client."""
        self.commands({"type": type_, **fields})

    def commands(self, *frames: dict[str, Any]) -> None:
        """Let the server handle frames of the client that arrived together."""
        self._on_frames(self.connection, [json.dumps(frame).encode() for frame in frames])

    def received(self) -> list[str]:
        """The frames since the last call: the type of each, and the content of its message or its user's id."""
        return [
            f"{f['type']} {f['message']['content'] if 'message' in f else f.get('user_id', '')}".strip()
            for f in self.frames()
        ]

    def frames(self) -> list[dict[str, Any]]:
        """The frames that arrived since the last call."""
        try:
            while data := self.theirs.recv(1 << 20):
                self._protocol.receive_data(data)
        except BlockingIOError:
            pass
        frames = self._protocol.events_received()
        return [json.loads(frame.data) for frame in frames if frame.opcode is Opcode.TEXT]  # type: ignore[union-attr]

    @property
    def close_code(self) -> int | None:
        """The code with which the server closed the socket, once `frames` has received it."""
        return self._protocol.close_rcvd.code if self._protocol.close_rcvd is not None else None


class Scenario:
    """A realtime server that was not started, and a room of *ann* and *ben*."""

    def __init__(self, app: Flask, make: Factory, *, is_rate_limited: bool = False):
        self.app, self.make = app, make
        self.server = make_server(app, is_rate_limited=is_rate_limited)
        self.hub, self.reconciler = self.server.hub, self.server.reconciler
        self.devices: list[Device] = []
        self.ann, self.ben = make.client(), make.client()
        self.room = make.room(self.ann, "room", self.ben)
        self.name: str = self.room["conversation_id"]

    def device(self, client: Client, client_id: str = "x", scopes: Iterable[str] = ("read",)) -> Device:
        """A socket of *client*'s user, which is subscribed to nothing."""
        self.devices.append(Device(self.server, client, client_id, frozenset(scopes)))
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
            room = db.session.get_one(Room, self.room["id"])
            self.hub.subscribe(device.connection, self.name, modseq, seq, room.updated_at)

    def subscribed_device(self, client: Client) -> Device:
        """A socket of *client*'s user that has received everything so far."""
        device = self.device(client)
        self.subscribe(device, *self.head())
        return device

    def late_device(self) -> tuple[Device, tuple[int, int]]:
        """A socket of ben that has not received the message "1", which was delivered to ann, and its position."""
        start = self.head()
        self.send("1")
        self.subscribed_device(self.ann)
        return self.device(self.ben), start

    def events(self, since: int) -> list[Event]:
        """The changes of the room after modseq *since*, as the bus would carry them."""
        with self.hub.runtime.reading():
            return history.load_changes(self.name, since).events

    def repair(self) -> None:
        self.hub.repair(self.hub.channels.by_name[self.name])

    def restore_backup(self, modseq: int, seq: int) -> None:
        """Set the room back to *modseq* and *seq*, as a restored backup would."""
        with self.app.app_context():
            db.session.execute(delete(Message).where(Message.conversation_id == self.name, Message.seq > seq))
            values = {"last_modseq": modseq, "last_seq": seq}
            db.session.execute(update(Conversation).where(Conversation.id == self.name).values(values))
            db.session.commit()

    def close(self) -> None:
        """Close every device."""
        for device in self.devices:
            device.connection.drop()
            device.theirs.close()


def receive(device: Device, count: int) -> list[str]:
    """What *device* receives, once the server's greenlets have sent it at least *count* frames, or for 5 seconds."""
    received: list[str] = []
    wait_until(lambda: received.extend(device.received()) or len(received) >= count)
    return received


def wait_until(is_so: Callable[[], object], seconds: float = 5) -> bool:
    """Let the server's greenlets run until *is_so* returns a true value, at most *seconds*. Whether it does."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        gevent.sleep(0.002)
    return True
