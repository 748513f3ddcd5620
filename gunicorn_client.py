"""Client connections of gunicorn's worker, with time limits for reading and writing.

The master loads this module before it forks, so it imports nothing of `backend`.
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

MIN_BYTES_PER_SECOND = 1024
"""A client whose average rate is lower is treated like one that sends nothing."""

MAX_UNREAD_BYTES = 64 * 1024
"""Up to this size, the unread rest of a body is read and discarded to keep the connection. Otherwise it is closed."""

LINGER_SECONDS, LINGER_PAUSE_SECONDS = 10.0, 2.0
"""How long a refused client may continue to send before the connection is closed, and how long it may pause meanwhile."""


class SlowHead(ParseException):
    """The head of a request did not arrive in time."""


class Pace:
    """Limits the waiting time for a client in one direction: *patience* seconds, and more for bytes that were transferred."""

    __slots__ = ("count", "patience", "waited")

    def __init__(self, patience: float):
        self.patience = patience
        self.restart()

    def restart(self) -> None:
        """Start again from zero."""
        self.waited, self.count = 0.0, 0

    def add(self, seconds: float, count: int) -> None:
        """Add a wait of *seconds* that transferred *count* bytes. Raises TimeoutError if the client is too slow."""
        self.waited += seconds
        self.count += count
        if self.waited > self.patience + self.count / MIN_BYTES_PER_SECOND:
            raise TimeoutError("The client is too slow.")


class Client:
    """A client's socket with time limits. gunicorn uses it in place of the socket.

    It limits the time for a body and for the client to read the response. `waiting` limits the time for a head.
    """

    def __init__(self, sock: Any, patience: float):
        self.sock = sock
        self.patience = patience
        self.has_asked = False
        self.waiting: Any = None
        self.incoming: Pace | None = None
        self.outgoing = Pace(patience)

    def recv(self, size: int) -> bytes:
        """Receive up to *size* bytes. Raises TimeoutError if this is for a body and the client stalls or is too slow."""
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
        """Send *data*. If the client does not read it in time, the connection is reset and unsent data is discarded.

        Raises ConnectionResetError then, as if the client had closed the connection.
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
        """Shut down sending, then read and discard what the client still sends. Closing at once could discard the response."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(LINGER_PAUSE_SECONDS)
            with gevent.Timeout(LINGER_SECONDS, False):
                while self.sock.recv(65536):
                    pass
        except OSError:
            pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


class Request(message.Request):
    """gunicorn's request, with a body that is limited in time and refused if it is incomplete."""

    def set_body_reader(self) -> None:
        """Find the end of the body. Raises UnsupportedTransferCoding, and what gunicorn raises."""
        super().set_body_reader()
        reader = self.body.reader
        if isinstance(reader, ChunkedReader):
            self._check_coding()
        if getattr(reader, "length", None) != 0:
            self.body.reader = BodyReader(self.unreader.sock, reader, self._expected_100_continue)
        # gunicorn would send 100 Continue before the application sees the request, which may refuse it without a body.
        self._expected_100_continue = False

    def _check_coding(self) -> None:
        """Refuse all codings but `chunked`. gunicorn ignores others, and the application would get an encoded body."""
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
        """Whether too much of the body is unread to keep the connection, or its end is unknown."""
        reader = self.body.reader
        return isinstance(reader, BodyReader) and reader.is_unread


class BodyReader:
    """Reads the body of a request in place of gunicorn's reader.

    Raises NoMoreData if the body ends before its Content-Length, ParseException if a chunk is not valid, and TimeoutError if the
    client stalls or is too slow.
    """

    def __init__(self, client: Client, reader: Any, owes_continue: bool):
        self.client = client
        self.reader = reader
        self.owes_continue = owes_continue
        self.left: int | None = getattr(reader, "length", None)
        self.has_failed = False
        self.pace = Pace(client.patience)

    def read(self, size: int) -> bytes:
        """Up to *size* bytes; none at the end."""
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
        """Whether too much is unread to keep the connection, or the end is unknown."""
        if self.owes_continue or self.has_failed:
            return True
        return self.reader.parser is not None if self.left is None else self.left > MAX_UNREAD_BYTES
