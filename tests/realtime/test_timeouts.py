"""Idle and slow clients: each is disconnected within a bounded time. The timeouts of the server are shortened."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from threading import Event

import pytest

from tests.realtime.conftest import Deployment, Deployments, app_root, in_background
from tests.realtime.raw import RawSocket, frame
from tests.stopwatch import Stopwatch

HEARTBEAT_SECONDS, CLOSING_SECONDS, TYPING_SECONDS, HEAD_SECONDS, MAX_OF_ADDRESS = 1, 1, 1, 1, 8
OVERRIDES = {
    "backend.realtime.heartbeat": {"HEARTBEAT_SECONDS": HEARTBEAT_SECONDS},
    "backend.realtime.gateway": {"HEARTBEAT_SECONDS": HEARTBEAT_SECONDS},
    "backend.realtime.presence.typing": {"TYPING_SECONDS": TYPING_SECONDS},
    "backend.realtime.transport.connection": {"CLOSING_SECONDS": CLOSING_SECONDS},
    "backend.realtime.transport.connection_limits": {"MAX_OF_ADDRESS": MAX_OF_ADDRESS},
}


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def short_timeouts(
    request: pytest.FixtureRequest, deployments: Deployments, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A server that pings every second."""
    root = app_root(tmp_path_factory.mktemp("short_timeouts"), "tests.realtime.overridden_constants")
    with deployments() as open_deployment:
        settings = {"OVERRIDES": json.dumps(OVERRIDES), "RATE_LIMITS": "on", "CLIENT_TIMEOUT": str(HEAD_SECONDS)}
        yield open_deployment(request.param, root=root, measured=True, **settings)


def sending_slowly(sock: socket.socket, data: bytes) -> AbstractContextManager[None]:
    """Send *data* during the block, one byte after the other, for as long as the server accepts it."""

    def send(is_over: Event) -> None:
        for byte in data:
            try:
                sock.sendall(bytes([byte]))
            except OSError:
                return
            if is_over.wait(0.1):
                return

    return in_background(send)


def test_a_client_that_answers_no_ping_is_closed_and_one_that_answers_is_not(short_timeouts: Deployment) -> None:
    user = short_timeouts.user()
    with (
        user.live(ping_interval=None) as answering,
        RawSocket(short_timeouts.url, f"/ws/silent?token={user.token}") as silent,
        RawSocket(short_timeouts.url, f"/ws/slow?token={user.token}") as slow,
        sending_slowly(slow.socket, frame(b'{"type": "ping"' + b" " * 200)),
    ):
        assert answering.ready["heartbeat"] == HEARTBEAT_SECONDS
        started, watch = time.monotonic(), Stopwatch(short_timeouts.server.pid)
        assert silent.close_code() == 4408
        assert time.monotonic() - started > HEARTBEAT_SECONDS
        assert watch.seconds < 2 * HEARTBEAT_SECONDS + 2
        assert slow.close_code() == 4408  # a frame that is never complete counts as silence
        assert watch.seconds < 2 * HEARTBEAT_SECONDS + 3
        assert silent.stream_ends()  # though the client sends no close frame
        assert watch.seconds < 2 * HEARTBEAT_SECONDS + CLOSING_SECONDS + 4
        assert answering.call("ping")["type"] == "pong"


def test_typing_ends_by_itself(short_timeouts: Deployment) -> None:
    alice, bob = short_timeouts.user(), short_timeouts.user()
    name = alice.room(bob)["conversation_id"]
    with alice.live() as typist, alice.live() as second, bob.live() as other:
        assert typist.call("typing", conversation_id=name, is_typing=True)["type"] == "ok"
        expected = {"type": "typing", "conversation_id": name, "user_id": alice.id}
        assert other.expect("typing") == {**expected, "is_typing": True}
        assert other.expect("typing", timeout=TYPING_SECONDS + 2) == {**expected, "is_typing": False}
        for socket in (typist, second):
            assert not [frame for frame in socket.sync() if frame["type"] == "typing"]
        typist.call("typing", conversation_id=name)
        typist.call("typing", conversation_id=name, is_typing=False)
        assert [other.expect("typing")["is_typing"] for _ in range(2)] == [True, False]


def test_a_handshake_in_single_bytes_is_disconnected(short_timeouts: Deployment) -> None:
    address = ("127.0.0.1", short_timeouts.server.port)
    with (
        socket.create_connection(address, timeout=10) as slow,
        sending_slowly(slow, b"GET /ws/x?token= HTTP/1.1\r\nX: " * 9),
    ):
        watch = Stopwatch(short_timeouts.server.pid)
        slow.recv(1)  # any answer, or the end of the stream
        assert watch.seconds < HEAD_SECONDS + 2


def test_the_number_of_sockets_of_an_address_is_limited(short_timeouts: Deployment) -> None:
    users = [short_timeouts.user() for _ in range(3)]
    with ExitStack() as stack:
        statuses: list[int] = []
        full = MAX_OF_ADDRESS * len(short_timeouts.server.worker_pids) + 1
        while 429 not in statuses and len(statuses) < full:
            path = f"/ws/c{len(statuses)}?token={users[len(statuses) % 3].token}"
            raw = stack.enter_context(RawSocket(short_timeouts.url, path))
            statuses.append(raw.status)
        assert statuses.count(101) >= MAX_OF_ADDRESS
        assert statuses[-1] == 429
        assert "retry-after" in raw.head.lower()
    for _ in range(100):  # closed sockets are no longer counted
        with RawSocket(short_timeouts.url, f"/ws/x?token={users[0].token}") as raw:
            if raw.status == 101:
                return
    raise AssertionError("the address stays full")
