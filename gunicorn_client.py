"""A client's connection as gunicorn's worker reads and writes it: how long it may take, and when it can serve again.

For the master, which loads it before it forks: imports nothing of `backend`.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from typing import Any

import gevent
from gunicorn.http import message
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import NoMoreData, ParseException, UnsupportedTransferCoding

LEAST_RATE = 1024
"""Bytes a second. A client that moves, but slower than this over all, is given up like one that stalls."""

MOST_LEFT = 64 * 1024
"""Of a body that nobody read, so much is read away to keep the connection; it ends where more is left."""

LINGER_SECONDS, LINGER_PAUSE = 10.0, 2.0
"""How long a client that was refused may go on to send before the connection closes; and how long it may pause meanwhile."""


class SlowHead(ParseException):
    """The head of a request did not arrive in time."""


class Pace:
    """Bounds how long a client is waited for in one direction: *patience* seconds, and more as bytes come through."""

    __slots__ = ("count", "patience", "waited")

    def __init__(self, patience: float):
        self.patience = patience
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self.waited, self.count = 0.0, 0

    def add(self, seconds: float, count: int) -> None:
        """Count a wait of *seconds* that moved *count* bytes. Raises TimeoutError for a client that is too slow."""
        self.waited += seconds
        self.count += count
        if self.waited > self.patience + self.count / LEAST_RATE:
            raise TimeoutError("The client is too slow.")


class Client:
    """A client's socket whose waits are bounded. Stands in for the socket wherever gunicorn uses one.

    The wait for a head is bounded from outside (`waiting`), and here that for a body and for the client to read its answer.
    """

    def __init__(self, sock: Any, patience: float):
        self.sock = sock
        self.patience = patience
        self.has_asked = False
        self.waiting: Any = None
        self.incoming: Pace | None = None
        self.outgoing = Pace(patience)

    def recv(self, size: int) -> bytes:
        """Receive. Raises TimeoutError where it is for a body and the client stalls or is too slow."""
        data: bytes
        if self.incoming is None:
            if self.waiting is not None:
                self.waiting.begin_read()
            self.sock.settimeout(None)
            data = self.sock.recv(size)
            return data
        self.sock.settimeout(self.patience)
        began = time.monotonic()
        data = self.sock.recv(size)
        self.incoming.add(time.monotonic() - began, len(data))
        return data

    def sendall(self, data: bytes) -> None:
        """Send *data*. A client that does not read it in time loses the connection, and the kernel forgets what it holds.

        Raises ConnectionResetError then, as if the client had closed.
        """
        self.sock.settimeout(self.patience)
        began = time.monotonic()
        try:
            sent = self.sock.send(data)
            self.outgoing.add(time.monotonic() - began, sent)
            if sent < len(data):
                self._send_rest(memoryview(data)[sent:])
        except TimeoutError:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionResetError(errno.ECONNRESET, "The client does not read its answer.") from None

    def _send_rest(self, rest: memoryview) -> None:
        while rest:
            began = time.monotonic()
            sent = self.sock.send(rest)
            self.outgoing.add(time.monotonic() - began, sent)
            rest = rest[sent:]

    def linger(self) -> None:
        """End our side, and read away what the client still sends: to close at once could discard the answer under way."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(LINGER_PAUSE)
            with gevent.Timeout(LINGER_SECONDS, False):
                while self.sock.recv(65536):
                    pass
        except OSError:
            pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


class Request(message.Request):
    """gunicorn's request, with a body that is read in time and in full, or not at all."""

    def set_body_reader(self) -> None:
        """Find out where the body ends. Raises UnsupportedTransferCoding, and what gunicorn raises."""
        super().set_body_reader()
        reader = self.body.reader
        if isinstance(reader, ChunkedReader):
            self._check_coding()
        if getattr(reader, "length", None) != 0:
            self.body.reader = BodyReader(self.unreader.sock, reader, self._expected_100_continue)
        # gunicorn would send 100 Continue before the application has seen the request: a refusal needs no body.
        self._expected_100_continue = False

    def _check_coding(self) -> None:
        """Only `chunked` is taken off a body. gunicorn passes others by, and the application would get what it cannot read."""
        codings = [value.lower() for name, value in self.headers if name == "TRANSFER-ENCODING"]
        if codings != ["chunked"]:
            error = UnsupportedTransferCoding(", ".join(codings))
            error.req = self
            raise error

    def should_close(self) -> bool:
        """Whether this is the last request of its connection."""
        return self.has_unread_body or bool(super().should_close())

    @property
    def has_unread_body(self) -> bool:
        """Whether there is more of the body to read than is worth the connection, or its end is lost."""
        reader = self.body.reader
        return isinstance(reader, BodyReader) and reader.is_unread


class BodyReader:
    """Reads a request's body in place of gunicorn's reader.

    Raises NoMoreData for a body that ends before its Content-Length, ParseException for chunks that are none, and
    TimeoutError for a client that stalls or is too slow.
    """

    def __init__(self, client: Client, reader: Any, owes_continue: bool):
        self.client = client
        self.reader = reader
        self.owes_continue = owes_continue
        self.left: int | None = getattr(reader, "length", None)
        self.has_failed = False
        self.pace = Pace(client.patience)

    def read(self, size: int) -> bytes:
        """At most *size* bytes, or none at the end."""
        if self.owes_continue:
            self.owes_continue = False
            self.client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.client.incoming = self.pace
        try:
            data: bytes = self.reader.read(size)
            self._count(data, size)
        except BaseException:
            self.has_failed = True
            raise
        finally:
            self.client.incoming = None
        return data

    def _count(self, data: bytes, size: int) -> None:
        if self.left is not None:
            wanted = min(size, self.left)
            self.left -= len(data)
            if len(data) < wanted:
                raise NoMoreData(data)

    @property
    def is_unread(self) -> bool:
        """Whether there is more to read than is worth the connection, or the end is lost."""
        if self.owes_continue or self.has_failed:
            return True
        return self.reader.parser is not None if self.left is None else self.left > MOST_LEFT
