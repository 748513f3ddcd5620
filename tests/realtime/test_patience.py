"""Clients that keep a socket and do nothing for it: each is let go of in bounded time. The server's patience is shortened."""

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

HEARTBEAT_SECONDS, HEAD_SECONDS, MAX_OF_ADDRESS = 1, 2, 8
ALTERED = {
    "backend.realtime.heartbeat": {"HEARTBEAT_SECONDS": HEARTBEAT_SECONDS},
    "backend.realtime.gateway": {"HEARTBEAT_SECONDS": HEARTBEAT_SECONDS},
    "backend.realtime.transport.connection_limits": {"MAX_OF_ADDRESS": MAX_OF_ADDRESS},
}


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def impatient(
    request: pytest.FixtureRequest, deployments: Deployments, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A server whose heart beats once a second."""
    root = app_root(tmp_path_factory.mktemp("impatient"), "tests.realtime.altered")
    with deployments() as open_deployment:
        settings = {"ALTERED": json.dumps(ALTERED), "RATE_LIMITS": "on", "CLIENT_TIMEOUT": str(HEAD_SECONDS)}
        yield open_deployment(request.param, root=root, measured=True, **settings)


def dripping(sock: socket.socket, data: bytes) -> AbstractContextManager[None]:
    """Send *data* meanwhile, byte after byte, as long as the other side takes it."""

    def drip(is_over: Event) -> None:
        for byte in data:
            try:
                sock.sendall(bytes([byte]))
            except OSError:
                return
            if is_over.wait(0.1):
                return

    return in_background(drip)


def test_who_answers_no_ping_is_closed_and_who_does_is_not(impatient: Deployment) -> None:
    user = impatient.user()
    with (
        user.live(ping_interval=None) as answering,
        RawSocket(impatient.url, f"/ws/silent?token={user.token}") as silent,
        RawSocket(impatient.url, f"/ws/slow?token={user.token}") as slow,
        dripping(slow.socket, frame(b'{"type": "ping"' + b" " * 200)),
    ):
        assert answering.ready["heartbeat"] == HEARTBEAT_SECONDS
        started = time.monotonic()
        assert silent.closed() == 4408
        assert HEARTBEAT_SECONDS < time.monotonic() - started < 2 * HEARTBEAT_SECONDS + 2
        assert slow.closed() == 4408  # a frame that never ends is no sign of life
        assert time.monotonic() - started < 2 * HEARTBEAT_SECONDS + 3
        assert silent.ends()  # though it never says goodbye
        assert time.monotonic() - started < 2 * HEARTBEAT_SECONDS + 7
        assert answering.call("ping")["type"] == "pong"


def test_a_handshake_in_single_bytes_is_given_up(impatient: Deployment) -> None:
    address = ("127.0.0.1", impatient.server.port)
    with socket.create_connection(address, timeout=10) as slow, dripping(slow, b"GET /ws/x?token= HTTP/1.1\r\nX: " * 9):
        started = time.monotonic()
        slow.recv(1)  # whatever it says; that it comes at all
        assert time.monotonic() - started < HEAD_SECONDS + 2


def test_an_address_has_so_many_sockets(impatient: Deployment) -> None:
    users = [impatient.user() for _ in range(3)]
    with ExitStack() as stack:
        statuses: list[int] = []
        full = MAX_OF_ADDRESS * len(impatient.server.worker_pids) + 1
        while 429 not in statuses and len(statuses) < full:
            path = f"/ws/c{len(statuses)}?token={users[len(statuses) % 3].token}"
            raw = stack.enter_context(RawSocket(impatient.url, path))
            statuses.append(raw.status)
        assert statuses.count(101) >= MAX_OF_ADDRESS
        assert statuses[-1] == 429
        assert "retry-after" in raw.head.lower()
    for _ in range(100):  # those that went are counted no more
        with RawSocket(impatient.url, f"/ws/x?token={users[0].token}") as raw:
            if raw.status == 101:
                return
    raise AssertionError("the address stays full")
