"""One connection over a pair of real sockets, without a server."""

from __future__ import annotations

import socket
import tracemalloc
from typing import Any

import gevent
import pytest
from flask import Flask
from gevent.event import Event
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol

from backend.realtime.gateway import detach
from backend.realtime.transport.assembler import MessageAssembler
from backend.realtime.transport.connection_limits import ConnectionLimits
from backend.realtime.transport.frames import Close
from backend.realtime.transport.write_buffer import MAX_BACKLOG_BYTES, WriteBuffer
from tests.realtime.pair import Clock, Pair, settle
from tests.realtime.raw import CONT, frame
from tests.realtime.scenario import wait_until


class PartialSocket:
    """A socket that accepts *step* bytes of every second send, and nothing of the others."""

    def __init__(self, step: int):
        self.step, self.data, self.is_full = step, b"", False
        self._ours, self._theirs = socket.socketpair()

    def send(self, data: bytes) -> int:
        self.is_full = not self.is_full
        if not self.is_full:
            raise BlockingIOError
        self.data += data[: self.step]
        return min(self.step, len(data))

    def fileno(self) -> int:
        return self._ours.fileno()

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.mark.parametrize("step", range(1, 40))
def test_partial_writes_keep_frames_whole_and_in_order(step: int) -> None:
    sock: Any = PartialSocket(step)
    buffer = WriteBuffer(sock, lambda: None)
    frames = [bytes([n]) * (7 + n) for n in range(12)]
    buffer.write(frames[1])
    buffer.release(frames[0])
    for data in frames[2:]:
        buffer.write(data)
    while not buffer.is_empty:
        buffer.flush()
    assert sock.data == b"".join(frames)
    assert buffer.size == 0
    sock.close()


def test_frames_written_before_begin_follow_the_first_frame(pair: Pair) -> None:
    held, theirs = pair.connect("y")
    held.write(b"two")
    held.begin(b"one")
    held.write(b"three")
    assert theirs.recv(100) == b"onetwothree"
    held.drop()
    theirs.close()


def test_a_slow_reader_gets_whole_frames_and_a_close_frame(pair: Pair) -> None:
    payload = b"\x81\x7e\x10\x00" + b"x" * 4096
    for _ in range((MAX_BACKLOG_BYTES + 200_000) // len(payload)):
        pair.connection.write(payload)
    assert not pair.connection.is_open
    data = pair.read()
    whole, rest = data.rsplit(b"x", 1)
    assert (len(whole) + 1) % len(payload) == 0
    assert rest[:2] == bytes([0x88, len(rest) - 2])
    assert int.from_bytes(rest[2:4], "big") == Close.TOO_SLOW
    assert pair.hub.metrics["too_slow"] == 1


def test_a_frame_is_counted_before_it_is_buffered(pair: Pair) -> None:
    """A reader that does not read makes the server buffer no more than the limit, however large the frames are."""
    pair.connection.write(b"z" * MAX_BACKLOG_BYTES)
    waiting = pair.connection.buffered_bytes
    assert 0 < waiting < MAX_BACKLOG_BYTES
    pair.connection.write(b"y" * (MAX_BACKLOG_BYTES - waiting))
    assert (pair.connection.is_open, pair.connection.buffered_bytes) == (True, MAX_BACKLOG_BYTES)
    pair.connection.write(b"x")
    assert not pair.connection.is_open


def test_one_large_frame_does_not_close_the_socket(pair: Pair) -> None:
    pair.connection.write(b"z" * 3 * MAX_BACKLOG_BYTES)
    assert pair.connection.is_open
    assert len(pair.read(10 << 20)) == 3 * MAX_BACKLOG_BYTES
    pair.connection.write(b"after")
    assert pair.read() == b"after"


def test_a_socket_with_a_huge_backlog_can_be_closed(pair: Pair) -> None:
    pair.connection.write(b"z" * 3 * MAX_BACKLOG_BYTES)
    pair.connection.write(b"more")
    assert not pair.connection.is_open
    pair.connection.close(Close.RESTARTING)
    assert len(pair.read(10 << 20)) > 3 * MAX_BACKLOG_BYTES


def test_a_burst_is_allowed_and_a_flood_is_not(pair: Pair) -> None:
    pair.theirs.setblocking(True)
    pair.theirs.sendall(frame(b"{}") * 200)
    settle()
    assert pair.connection.is_open
    assert len(pair.handled) == 200
    pair.theirs.sendall(frame(b"{}") * 20)
    settle()
    pair.theirs.setblocking(False)
    assert int.from_bytes(pair.read()[2:4], "big") == Close.TOO_MANY_FRAMES


def test_the_frame_limit_refills_at_50_a_second(pair: Pair, clock: Clock) -> None:
    pair.theirs.setblocking(True)
    for count, seconds in ((200, 1), (50, 2), (100, 1)):
        pair.theirs.sendall(frame(b"{}") * count)
        settle()
        assert pair.connection.is_open
        clock.now += seconds
    assert len(pair.handled) == 350
    pair.theirs.sendall(frame(b"{}") * 51)
    settle()
    assert not pair.connection.is_open


def test_the_frame_limit_does_not_grow_beyond_a_burst_of_200(pair: Pair, clock: Clock) -> None:
    pair.theirs.setblocking(True)
    clock.now += 60
    pair.theirs.sendall(frame(b"{}") * 200)
    settle()
    assert (pair.connection.is_open, len(pair.handled)) == (True, 200)
    pair.theirs.sendall(frame(b"{}"))
    settle()
    assert (pair.connection.is_open, len(pair.handled)) == (False, 200)


def test_a_client_whose_frames_wait_to_be_handled_is_not_read_meanwhile() -> None:
    """So that the server holds only some of its frames. All are handled afterwards."""
    pair, may_go_on = Pair(is_rate_limited=False), Event()

    def handle_late(_: object, batch: list[bytes]) -> None:
        may_go_on.wait(5)
        pair.handled.extend(batch)

    pair.on_frames, payload, sent = handle_late, b"x" * 10_000, 0
    data = frame(payload)
    try:
        for _ in range(1_000):
            rest = data[pair.theirs.send(data) :]
            sent += 1
            settle()
            while rest:
                rest = rest[pair.theirs.send(rest) :]
                settle()
    except BlockingIOError:
        pass
    assert sent < 300, "the client can send no more"
    may_go_on.set()
    assert wait_until(lambda: len(pair.handled) >= sent - 1)
    pair.close()


def test_empty_fragments_take_no_memory() -> None:
    assembler = MessageAssembler(0, is_rate_limited=False)
    assert assembler.accept(Frame(Opcode.TEXT, b"{", fin=False), 0) is None
    tracemalloc.start()
    for _ in range(5_000):
        assert assembler.accept(Frame(Opcode.CONT, b"", fin=False), 0) is None
    allocated, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert allocated < 1_000
    assert assembler.accept(Frame(Opcode.CONT, b"}"), 0) == b"{}"


def test_fragments_are_joined(pair: Pair) -> None:
    pair.theirs.send(frame(b"{", fin=False) + frame(b"", CONT, fin=False) + frame(b"}", CONT))
    settle()
    assert pair.handled == [b"{}"]


def test_a_client_that_vanishes_is_dropped(pair: Pair) -> None:
    pair.theirs.close()
    settle()
    assert not pair.connection.is_open
    pair.connection.write(b"x")
    pair.connection.close(1000)
    pair.connection.drop()
    assert pair.registry.closing == set()


@pytest.mark.parametrize("what", ["a frame", "a close frame"])
def test_a_client_that_is_gone_is_dropped_at_the_next_write(pair: Pair, what: str) -> None:
    pair.theirs.close()
    if what == "a frame":
        pair.connection.write(b"x")
    else:
        pair.connection.close(Close.RESTARTING)
    assert (pair.connection.is_open, pair.registry.closing) == (False, set())


def test_a_client_that_is_gone_before_begin_is_dropped(pair: Pair) -> None:
    connection, theirs = pair.connect("y")
    theirs.close()
    connection.begin(b"ready")
    assert not connection.is_open


def test_an_unexpected_error_closes_the_socket_and_is_logged(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise KeyError("planted")

    pair.on_frames = fail
    pair.theirs.send(frame(b"{}"))
    settle()
    assert int.from_bytes(pair.read()[2:4], "big") == CloseCode.INTERNAL_ERROR
    assert len(caplog.records) == 1


def test_an_error_in_a_callback_of_the_event_loop_drops_the_socket_and_is_logged(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(Protocol, "receive_data", fail)
    pair.theirs.send(frame(b"{}"))
    settle()
    assert "a socket failed" in caplog.text
    assert (pair.connection.is_open, pair.registry.closing) == (False, set())


def test_a_socket_sends_without_nagles_delay(sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Nagle's algorithm the second of two small frames would wait up to 40 ms for the acknowledgement of the first."""

    def release(_serve: object, raw: Any, *_: object) -> None:
        raw.close()

    monkeypatch.setattr(gevent, "spawn", release)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        ours, _ = listener.accept()
        with ours, sqlite_app.test_request_context("/ws/x", environ_overrides={"gunicorn.socket": ours}):
            assert not ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            detach(b"", None, ConnectionLimits(is_limited=True).acquire("192.0.2.1"))
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
