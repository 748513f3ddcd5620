"""One client's socket over a pair of real ones, and a clock that the test sets."""

from __future__ import annotations

import logging
import time
from _socket import SO_SNDBUF, SOL_SOCKET, socketpair
from collections import Counter
from typing import Any

import gevent

from backend.realtime.right import Right
from backend.realtime.transport.connection import Connection


class FakeHub:
    """As much of a hub as a connection asks of it."""

    log = quiet = logging.getLogger("test")
    limits_frames = True

    def __init__(self) -> None:
        self.closing: dict[Any, float] = {}
        self.metrics: Counter[str] = Counter()
        self.users: dict[int, set[Connection]] = {}
        self.performed: list[bytes] = []
        self.typing = self

    @property
    def connections(self) -> list[Connection]:
        return [c for here in self.users.values() for c in here]

    def forget(self, connection: Connection) -> None:
        self.users.pop(1, None)

    def perform(self, connection: Connection, batch: list[bytes]) -> None:
        self.performed += batch

    def end_late(self) -> None:
        """No typists here."""


class Pair:
    def __init__(self) -> None:
        self.hub = FakeHub()
        ours, self.theirs = socketpair()
        ours.setblocking(False)
        ours.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        self.theirs.setblocking(False)
        right = Right(1, 1, None, frozenset({"read"}), None)
        hub: Any = self.hub
        self.connection = Connection(hub, ours, right, "x", "uid", None)
        self.hub.users[1] = {self.connection}
        self.connection.begin(b"")

    def close(self) -> None:
        self.connection.drop()
        self.theirs.close()

    def read(self, size: int = 1 << 20) -> bytes:
        """All that can be read now."""
        data, idle = b"", 0
        while len(data) < size and idle < 5:
            gevent.sleep(0.002)  # lets the loop see that there is room again
            try:
                part = self.theirs.recv(size - len(data))
            except BlockingIOError:
                idle += 1
                continue
            if not part:
                break
            data, idle = data + part, 0
        return data


class Clock:
    """Stands still until the test moves it."""

    time = staticmethod(time.time)

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now
