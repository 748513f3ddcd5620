"""The frames that precede a close frame or a protocol violation are handled before the server closes."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gevent.event import Event
from playwright.sync_api import Page
from websockets.frames import CloseCode

from backend.realtime.transport.frames import Close
from tests.processes import wait_until
from tests.realtime.conftest import Deployment
from tests.realtime.pair import Clock, Pair, settle
from tests.realtime.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawSocket, frame, ready_socket

CLOSE_FRAME = frame(struct.pack("!H", 1000) + b"bye", CLOSE)


PAGE_SENDS = 15
"""How often a page sends and closes at once."""


def send_frame(number: int, room: dict[str, Any]) -> bytes:
    body = {"type": "send", "id": str(number), "content": f"{number}", "room_id": room["id"]}
    return frame(json.dumps(body).encode())


def receive_until_close(raw: RawSocket) -> list[tuple[int, bytes]]:
    """Every frame up to the close frame, which is the last."""
    frames = [raw.receive()]
    while frames[-1][0] != CLOSE:
        frames.append(raw.receive())
    return frames


def acks(frames: list[tuple[int, bytes]]) -> list[str]:
    bodies = [json.loads(payload) for opcode, payload in frames if opcode == TEXT]
    return [body["id"] for body in bodies if body["type"] == "ack"]


CLOSING = {
    "a close frame": (CLOSE_FRAME, 1000),
    "a close frame without a code": (frame(b"", CLOSE), None),
    "a close frame between fragments": (frame(b"{", fin=False) + CLOSE_FRAME, 1000),
    "reserved bits": (frame(b"{}", flags=0x40), 1002),
    "no mask": (frame(b"{}", masked=False), 1002),
    "a continuation without a beginning": (frame(b"{}", CONT), 1002),
    "a close frame with an invalid code": (frame(struct.pack("!H", 1005), CLOSE), 1002),
    "binary": (frame(b"{}", BINARY), 1003),
    "invalid UTF-8": (frame(b"\xff\xfe"), 1007),
    "a frame that is too large": (frame(b" " * 65_537), 4413),
}


def test_earlier_frames_are_handled_before_the_socket_is_closed(deployment: Deployment) -> None:
    """The server waits some seconds for the close frames of these clients, which send none, so all are open at once."""
    users = [deployment.user() for _ in CLOSING]
    rooms = [user.room() for user in users]
    with ExitStack() as stack:
        sockets = [stack.enter_context(ready_socket(user)) for user in users]
        for raw, room, (data, _) in zip(sockets, rooms, CLOSING.values(), strict=True):
            sends = [send_frame(number, room) for number in range(30)]
            raw.socket.sendall(b"".join([*sends, frame(b"still there?", PING), data, send_frame(99, room)]))
        for raw, (what, (_, code)) in zip(sockets, CLOSING.items(), strict=True):
            frames = receive_until_close(raw)
            assert (PONG, b"still there?") in frames, what
            assert acks(frames) == [str(number) for number in range(30)], what
            assert frames[-1][1][:2] == (b"" if code is None else struct.pack("!H", code)), what
        for raw, what in zip(sockets, CLOSING, strict=True):
            assert raw.stream_ends(), what
    for user, room, what in zip(users, rooms, CLOSING, strict=True):
        messages = user("GET", f"/api/rooms/{room['id']}/messages")
        assert [message["content"] for message in messages] == [str(n) for n in reversed(range(30))], what


def test_the_allowed_frames_of_a_flood_are_handled_before_the_socket_is_closed(pair: Pair) -> None:
    pair.theirs.setblocking(True)
    pair.theirs.sendall(frame(b"{}") * 250)
    settle()
    pair.theirs.setblocking(False)
    assert len(pair.handled) == 200
    assert int.from_bytes(pair.read()[2:4], "big") == Close.TOO_MANY_FRAMES


def test_the_messages_of_a_client_that_leaves_without_a_close_frame_are_sent(deployment: Deployment) -> None:
    user = deployment.user()
    room = user.room()
    with ready_socket(user) as raw:
        raw.socket.sendall(b"".join(send_frame(number, room) for number in range(30)))
        raw.socket.shutdown(socket.SHUT_WR)
        wait_until(lambda: len(user("GET", f"/api/rooms/{room['id']}/messages")) == 30, "the messages")
        assert raw.stream_ends()


class BlockedHandler:
    """Handles a client's frames for as long as the test wants."""

    def __init__(self, pair: Pair):
        self.pair, self.may_end = pair, Event()
        pair.on_frames = self.handle

    def handle(self, connection: Any, batch: list[bytes]) -> None:
        self.may_end.wait(5)
        if connection.is_open:
            self.pair.handled += batch
            connection.write(b"done" * len(batch))

    def receive(self, data: bytes) -> None:
        self.pair.theirs.send(data)
        settle()


@pytest.fixture
def handler(pair: Pair) -> Iterator[BlockedHandler]:
    made = BlockedHandler(pair)
    yield made
    made.may_end.set()
    settle()


def test_a_close_frame_is_answered_after_the_earlier_frames_are_handled(pair: Pair, handler: BlockedHandler) -> None:
    handler.receive(frame(b"1") + frame(b"2") + CLOSE_FRAME + frame(b"3"))
    assert pair.read() == b""
    assert pair.connection.is_open
    handler.may_end.set()
    assert pair.read() == b"donedone" + frame(struct.pack("!H", 1000) + b"bye", CLOSE, masked=False)
    assert pair.handled == [b"1", b"2"]
    assert not pair.connection.is_open


def test_a_revocation_discards_the_frames_that_are_not_handled_yet(pair: Pair, handler: BlockedHandler) -> None:
    handler.receive(frame(b"1") + CLOSE_FRAME)
    pair.connection.close(Close.UNAUTHORIZED)
    handler.may_end.set()
    assert int.from_bytes(pair.read()[2:4], "big") == Close.UNAUTHORIZED
    assert pair.handled == []


def test_a_close_frame_waits_only_some_seconds_for_frames_that_are_not_handled(
    pair: Pair, handler: BlockedHandler, clock: Clock
) -> None:
    sweep = pair.server.heartbeat.sweep
    pair.connection.pinged_at = clock.now  # so that no ping is due in this time
    handler.receive(frame(b"1") + CLOSE_FRAME)
    clock.now += 7
    sweep()
    assert pair.read() == b""
    clock.now += 2
    sweep()
    assert (
        int.from_bytes(pair.read()[2:4], "big") == Close.RESTARTING
    )  # not the code of its close frame: a frame was not handled
    clock.now += 4
    sweep()
    assert pair.registry.closing == set()


def test_a_client_that_vanishes_is_dropped_after_its_frames_are_handled(pair: Pair, handler: BlockedHandler) -> None:
    handler.receive(frame(b"1"))
    pair.theirs.close()
    settle()
    assert pair.connection.is_open
    handler.may_end.set()
    settle()
    assert pair.handled == [b"1"]
    assert (pair.connection.is_open, pair.registry.closing) == (False, set())


def test_a_client_that_cannot_be_written_to_is_dropped_after_its_frames_are_handled(
    pair: Pair, handler: BlockedHandler
) -> None:
    handler.receive(frame(b"1"))
    pair.theirs.close()
    pair.connection.write(b"x")
    handler.may_end.set()
    settle()
    assert pair.handled == [b"1"]
    assert (pair.connection.is_open, pair.registry.closing) == (False, set())


CLIENT = """
([address, body]) => new Promise(done => {
  const ws = new WebSocket(address)
  ws.onmessage = event => {
    if (JSON.parse(event.data).type !== 'ready') return
    ws.send(body)
    ws.close(1000)
  }
  ws.onclose = event => done([event.code, event.wasClean])
})
"""


def test_the_message_of_a_page_that_sends_and_closes_is_sent(deployment: Deployment, page: Page) -> None:
    user = deployment.user()
    room = user.room()
    page.goto(f"{deployment.url}/")
    for number in range(PAGE_SENDS):
        address = f"{deployment.url.replace('http', 'ws')}/ws/p{number}?token={user.token}"
        body = json.dumps({"type": "send", "content": str(number), "room_id": room["id"]})
        assert page.evaluate(CLIENT, [address, body]) == [CloseCode.NORMAL_CLOSURE, True]
    messages = user("GET", f"/api/rooms/{room['id']}/messages")
    assert [message["content"] for message in messages] == [str(number) for number in reversed(range(PAGE_SENDS))]
