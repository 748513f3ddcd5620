"""A connection over a pair of real sockets, and a clock that the test sets."""

from __future__ import annotations

import time
from _socket import SO_SNDBUF, SOL_SOCKET, socket, socketpair
from collections.abc import Callable

import gevent

from backend.identity.identity import Credentials
from backend.realtime.transport.callbacks import ConnectionCallbacks
from backend.realtime.transport.connection import Connection
from tests.realtime.recorder import make_server

OnFrames = Callable[[Connection, list[bytes]], None]


def settle() -> None:
    """Run the event loop until it has nothing to do: what was sent is handled then, as far as it can be."""
    for _ in range(5):  # what runs while the loop is idle may start more
        gevent.idle()


class Pair:
    """A connection of a server without a database. `handled` collects the client's frames, unless `on_frames` is replaced."""

    def __init__(self, *, is_rate_limited: bool = True) -> None:
        self.server = make_server()
        self.hub, self.registry = self.server.hub, self.server.hub.registry
        self.handled: list[bytes] = []
        self.on_frames: OnFrames = lambda _, batch: self.handled.extend(batch)
        self.connection, self.theirs = self.connect("x", is_rate_limited=is_rate_limited)
        self.hub.add(self.connection)
        self.connection.begin(b"")

    def connect(self, client_id: str, *, is_rate_limited: bool = True) -> tuple[Connection, socket]:
        """Another connection of the same user, before its `begin`, and the client's socket."""
        ours, theirs = socketpair()
        ours.setblocking(False)
        ours.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        theirs.setblocking(False)
        callbacks = ConnectionCallbacks(self._handle, self.hub.remove, self.registry.forget)
        credentials = Credentials(1, frozenset({"read"}), session_id=1)
        connection = Connection(ours, credentials, client_id, client_id, callbacks, is_rate_limited=is_rate_limited)
        return connection, theirs

    def _handle(self, connection: Connection, batch: list[bytes]) -> None:
        self.on_frames(connection, batch)

    def close(self) -> None:
        self.connection.drop()
        self.theirs.close()

    def read(self, size: int = 1 << 20) -> bytes:
        """The bytes that can be read now, at most *size*."""
        data = b""
        while len(data) < size:
            settle()  # the event loop notices the free space
            try:
                part = self.theirs.recv(size - len(data))
            except BlockingIOError:
                break
            if not part:
                break
            data += part
        return data


class Clock:
    """Stands still until the test moves it."""

    time = staticmethod(time.time)

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now
