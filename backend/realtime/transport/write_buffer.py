"""The way out of one socket: whole frames, in order, and never a wait."""

from __future__ import annotations

from _socket import socket
from collections import deque
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

if TYPE_CHECKING:
    from backend.realtime.transport.connection import Connection

WRITE = 2
MAX_BACKLOG_BYTES = 1024 * 1024
"""What is written while something waits is taken up to this much in all: a client for whom more would wait is closed (4410)
and resumes. A single write on an empty buffer is taken whatever its size, for it says nothing about the reader."""


class Outbox:
    """What is on its way to a client. It begins held, so that what comes early waits for the first frame.

    `size` is what waits here because the client does not read. Every method may raise OSError: the client is gone.
    """

    __slots__ = ("_backlog", "_drained", "_owner", "_socket", "_watcher", "size")

    def __init__(self, owner: Connection, sock: socket):
        self._owner = owner
        self._socket = sock
        self._backlog: deque[bytes] | None = deque()
        self._watcher: Any = None
        self._drained: Event | None = None
        self.size = 0

    @property
    def is_empty(self) -> bool:
        """Whether all was handed to the system."""
        return self._backlog is None

    def release(self, first: bytes = b"") -> None:
        """Hold back no longer: send *first*, and then what came meanwhile. Safe to repeat."""
        if self._watcher is None and self._backlog is not None:
            if first:
                self._backlog.appendleft(first)
                self.size += len(first)
            self.flush()

    def write(self, data: bytes, is_last: bool = False) -> bool:
        """Send whole frames, now or as soon as the client reads.

        False, and nothing is taken, where too much would wait; what is the last is taken in any case.
        """
        if self._backlog is None:
            try:
                sent = self._socket.send(data)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return True
            data = data[sent:]
            self._backlog = deque()
            self._watch()
        elif self.size and self.size + len(data) > MAX_BACKLOG_BYTES and not is_last:
            return False
        self._backlog.append(data)
        self.size += len(data)
        return True

    def cut(self) -> None:
        """Forget what waits, but for the rest of what is half sent, so that the stream stays whole to its end."""
        if self._backlog is not None:
            self._backlog = deque(list(self._backlog)[:1])
            self.size = sum(len(data) for data in self._backlog)

    def flush(self) -> None:
        """Send as much as the client takes; the rest when it reads on."""
        while self._backlog:
            data = self._backlog[0]
            try:
                sent = self._socket.send(data)
            except BlockingIOError:
                sent = 0
            self.size -= sent
            if sent < len(data):
                self._backlog[0] = data[sent:]
                self._watch()
                return
            self._backlog.popleft()
        self._backlog = None
        self.stop()

    def wait(self, seconds: float) -> None:
        """Wait until nothing is left to send, or the outbox was stopped; at most *seconds*."""
        if self._backlog is not None:
            self._drained = self._drained or Event()
            self._drained.wait(seconds)

    def stop(self) -> None:
        """Watch no longer, and wake who waits."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        if self._drained is not None:
            self._drained.set()
            self._drained = None

    def _watch(self) -> None:
        if self._watcher is None:
            self._watcher = gevent.get_hub().loop.io(self._socket.fileno(), WRITE)
            self._watcher.start(self._owner.guarded, self._owner.writable)
