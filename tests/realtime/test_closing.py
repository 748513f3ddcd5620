"""What a client sent before it ended the socket, or broke the protocol, is done before the end is answered."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event
from playwright.sync_api import Page
from websockets.frames import CloseCode

from backend.realtime.transport.frames import Close
from tests.processes import wait_until
from tests.realtime.client import Api
from tests.realtime.conftest import Deployment
from tests.realtime.pair import Clock, Pair
from tests.realtime.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawSocket, frame

GOODBYE = frame(struct.pack("!H", 1000) + b"bye", CLOSE)


def opened(deployment: Deployment, user: Api) -> RawSocket:
    raw = RawSocket(deployment.url, f"/ws/x?token={user.token}")
    assert json.loads(raw.receive()[1])["type"] == "ready"
    return raw


def send(number: int, room: dict[str, Any]) -> bytes:
    body = {"type": "send", "id": str(number), "content": f"{number}", "room_id": room["id"]}
    return frame(json.dumps(body).encode())


def to_the_end(raw: RawSocket) -> list[tuple[int, bytes]]:
    """All that comes, up to the close frame."""
    frames = [raw.receive()]
    while frames[-1][0] != CLOSE:
        frames.append(raw.receive())
    return frames


def acks(frames: list[tuple[int, bytes]]) -> list[str]:
    bodies = [json.loads(payload) for opcode, payload in frames if opcode == TEXT]
    return [body["id"] for body in bodies if body["type"] == "ack"]


BREAKING = {
    "a goodbye": (GOODBYE, 1000),
    "a goodbye without a code": (frame(b"", CLOSE), None),
    "a goodbye between fragments": (frame(b"{", fin=False) + GOODBYE, 1000),
    "reserved bits": (frame(b"{}", flags=0x40), 1002),
    "no mask": (frame(b"{}", masked=False), 1002),
    "a fragment of nothing": (frame(b"{}", CONT), 1002),
    "a goodbye that is no goodbye": (frame(struct.pack("!H", 1005), CLOSE), 1002),
    "binary": (frame(b"{}", BINARY), 1003),
    "no UTF-8": (frame(b"\xff\xfe"), 1007),
    "too much": (frame(b" " * 65_537), 4413),
}


@pytest.mark.parametrize("what", BREAKING)
def test_what_came_before_the_end_is_done_before_the_end_is_answered(deployment: Deployment, what: str) -> None:
    data, code = BREAKING[what]
    user = deployment.user()
    room = user.room()
    with opened(deployment, user) as raw:
        sends = [send(number, room) for number in range(30)]
        raw.socket.sendall(b"".join([*sends, frame(b"still there?", PING), data, send(99, room)]))
        frames = to_the_end(raw)
        assert (PONG, b"still there?") in frames
        assert acks(frames) == [str(number) for number in range(30)]
        assert frames[-1][1][:2] == (b"" if code is None else struct.pack("!H", code))
        assert raw.ends()
    messages = user("GET", f"/api/rooms/{room['id']}/messages")
    assert [message["content"] for message in messages] == [str(number) for number in reversed(range(30))]


def test_a_flood_is_ended_once_what_was_allowed_is_done(pair: Pair) -> None:
    pair.theirs.setblocking(True)
    pair.theirs.sendall(frame(b"{}") * 250)
    gevent.sleep(0.05)
    pair.theirs.setblocking(False)
    assert len(pair.handled) == 200
    assert int.from_bytes(pair.read()[2:4], "big") == Close.TOO_MANY_FRAMES


def test_who_goes_without_a_word_has_its_messages_sent_too(deployment: Deployment) -> None:
    user = deployment.user()
    room = user.room()
    with opened(deployment, user) as raw:
        raw.socket.sendall(b"".join(send(number, room) for number in range(30)))
        raw.socket.shutdown(socket.SHUT_WR)
        wait_until(lambda: len(user("GET", f"/api/rooms/{room['id']}/messages")) == 30, "the messages")
        assert raw.ends()


class Busy:
    """Work on a client's frames that lasts until the test ends it."""

    def __init__(self, pair: Pair):
        self.pair, self.may_end = pair, Event()
        pair.on_frames = self.handle

    def handle(self, connection: Any, batch: list[bytes]) -> None:
        self.may_end.wait(5)
        if connection.is_open:
            self.pair.handled += batch
            connection.write(b"done" * len(batch))

    def hear(self, data: bytes) -> None:
        self.pair.theirs.send(data)
        gevent.sleep(0.02)


@pytest.fixture
def busy(pair: Pair) -> Iterator[Busy]:
    made = Busy(pair)
    yield made
    made.may_end.set()
    gevent.sleep(0.01)


def test_a_goodbye_waits_for_the_work_before_it(pair: Pair, busy: Busy) -> None:
    busy.hear(frame(b"1") + frame(b"2") + GOODBYE + frame(b"3"))
    assert pair.read() == b""
    assert pair.connection.is_open
    busy.may_end.set()
    assert pair.read() == b"donedone" + frame(struct.pack("!H", 1000) + b"bye", CLOSE, masked=False)
    assert pair.handled == [b"1", b"2"]
    assert not pair.connection.is_open


def test_a_right_that_ends_meanwhile_ends_the_rest_of_the_work(pair: Pair, busy: Busy) -> None:
    busy.hear(frame(b"1") + GOODBYE)
    pair.connection.close(Close.UNAUTHORIZED)
    busy.may_end.set()
    assert int.from_bytes(pair.read()[2:4], "big") == Close.UNAUTHORIZED
    assert pair.handled == []


def test_work_that_does_not_end_holds_the_end_up_no_longer_than_some_seconds(
    pair: Pair, busy: Busy, clock: Clock
) -> None:
    sweep = pair.server.heartbeat.sweep
    pair.connection.pinged_at = clock.now
    pair.connection.pinged_at = clock.now  # so that no ping is due in this time
    busy.hear(frame(b"1") + GOODBYE)
    clock.now += 7
    sweep()
    assert pair.read() == b""
    clock.now += 2
    sweep()
    assert (
        int.from_bytes(pair.read()[2:4], "big") == Close.RESTARTING
    )  # not the clean end that it asked for: not all is done
    clock.now += 4
    sweep()
    assert pair.registry.closing == set()


def test_who_vanishes_amid_the_work_is_let_go_when_it_is_done(pair: Pair, busy: Busy) -> None:
    busy.hear(frame(b"1"))
    pair.theirs.close()
    gevent.sleep(0.02)
    assert pair.connection.is_open
    busy.may_end.set()
    gevent.sleep(0.02)
    assert pair.handled == [b"1"]
    assert (pair.connection.is_open, pair.registry.closing) == (False, set())


def test_who_cannot_be_written_to_amid_the_work_is_let_go_when_it_is_done(pair: Pair, busy: Busy) -> None:
    busy.hear(frame(b"1"))
    pair.theirs.close()
    pair.connection.write(b"x")
    busy.may_end.set()
    gevent.sleep(0.02)
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


def test_a_page_that_sends_and_closes_has_its_message_sent(deployment: Deployment, page: Page) -> None:
    user = deployment.user()
    room = user.room()
    page.goto(f"{deployment.url}/")
    for number in range(40):
        address = f"{deployment.url.replace('http', 'ws')}/ws/p{number}?token={user.token}"
        body = json.dumps({"type": "send", "content": str(number), "room_id": room["id"]})
        assert page.evaluate(CLIENT, [address, body]) == [CloseCode.NORMAL_CLOSURE, True]
    messages = user("GET", f"/api/rooms/{room['id']}/messages")
    assert [message["content"] for message in messages] == [str(number) for number in reversed(range(40))]
