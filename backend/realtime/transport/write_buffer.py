"""The write side of one socket: whole frames, in order, without ever waiting."""

from __future__ import annotations

from _socket import socket
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event

WRITE = 2
MAX_BACKLOG_BYTES = 1024 * 1024
"""While data is buffered, more is accepted up to this size in all. A client for whom more would be buffered is closed (4410) and
resumes. A single write to an empty buffer is accepted whatever its size, for it does not show that the client is slow."""


class WriteBuffer:
    """The bytes that the client has not read yet.

    It begins held: writes are buffered until `release`, so that they follow the first frame. `size` is the number of buffered
    bytes. *on_writable* is called by the event loop when the client reads again. Every method may raise OSError: the client is
    gone.
    """

    __slots__ = ("_backlog", "_drained", "_on_writable", "_socket", "_watcher", "size")

    def __init__(self, sock: socket, on_writable: Callable[[], None]):
        self._socket = sock
        self._on_writable = on_writable
        self._backlog: deque[bytes] | None = deque()
        self._watcher: Any = None
        self._drained: Event | None = None
        self.size = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything was handed to the system."""
        return self._backlog is None

    def release(self, first: bytes = b"") -> None:
        """Send *first*, and then what was written before. Safe to repeat."""
        if self._watcher is None and self._backlog is not None:
            if first:
                self._backlog.appendleft(first)
                self.size += len(first)
            self.flush()

    def write(self, data: bytes, is_last: bool = False) -> bool:
        """Send whole frames, now or as soon as the client reads.

        Returns False, and accepts nothing, where too much would be buffered. The last write is always accepted.
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

    def truncate(self) -> None:
        """Drop what is buffered, but for the rest of a frame that was sent in part: the stream stays valid to its end."""
        if self._backlog is not None:
            self._backlog = deque(list(self._backlog)[:1])
            self.size = sum(len(data) for data in self._backlog)

    def flush(self) -> None:
        """Send as much as the client accepts; the rest when it reads again."""
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

    def wait_until_empty(self, seconds: float) -> None:
        """Wait until everything is sent, or the buffer was stopped; at most *seconds*."""
        if self._backlog is not None:
            self._drained = self._drained or Event()
            self._drained.wait(seconds)

    def stop(self) -> None:
        """Stop watching the socket, and wake the greenlets that wait for an empty buffer."""
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
            self._watcher.start(self._on_writable)
