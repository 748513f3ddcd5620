"""A WebSocket without a library, for frames that a library would not send."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from typing import Any, Self
from urllib.parse import urlsplit

from tests.realtime.client import Api

TEXT, BINARY, CLOSE, PING, PONG, CONT = 1, 2, 8, 9, 10, 0


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, masked: bool = True, flags: int = 0) -> bytes:
    """One frame (RFC 6455, section 5.2). The options make it invalid."""
    head = bytes([(0x80 if fin else 0) | flags | opcode])
    size, mark = len(payload), 0x80 if masked else 0
    if size < 126:
        head += bytes([mark | size])
    elif size < 65536:
        head += bytes([mark | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mark | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class RawSocket:
    """A connection to /ws/... from the address *source*.

    Further keyword arguments replace headers of the handshake; None leaves one out.
    """

    def __init__(
        self,
        url: str,
        path: str,
        *,
        timeout: float = 10,
        receive_buffer: int | None = None,
        source: str = "127.0.0.1",
        **headers: str | None,
    ):
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.bind((source, 0))
        self.socket.connect((parts.hostname or "", parts.port or 80))
        key = base64.b64encode(os.urandom(16)).decode()
        given: dict[str, str | None] = {
            "Host": f"{parts.hostname}:{parts.port}", "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value is not None)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.buffer = b""
        self.status, self.head = self._read_head()

    def _read_head(self) -> tuple[int, str]:
        while b"\r\n\r\n" not in self.buffer:
            self.receive_more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode()

    def receive_more(self) -> None:
        """Append the next bytes to `buffer`. Raises EOFError at the end of the stream."""
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def send(self, payload: bytes, opcode: int = TEXT, **options: bool | int) -> None:
        """Send one frame."""
        self.socket.sendall(frame(payload, opcode, **options))

    def receive(self) -> tuple[int, bytes]:
        """The next frame, opcode and payload, that is no ping of the server. Raises EOFError at the end of the stream."""
        while True:
            if len(self.buffer) >= 2:
                first, size, start = self.buffer[0], self.buffer[1], 2
                assert first & 0xF0 == 0x80, f"fragmented or with reserved bits: {first:#x}"
                assert size < 128, "a server's frames are not masked"
                if size == 126 and len(self.buffer) >= 4:
                    (size,), start = struct.unpack("!H", self.buffer[2:4]), 4
                elif size == 127 and len(self.buffer) >= 10:
                    (size,), start = struct.unpack("!Q", self.buffer[2:10]), 10
                elif size >= 126:
                    size = 1 << 62
                if len(self.buffer) >= start + size:
                    payload, self.buffer = self.buffer[start : start + size], self.buffer[start + size :]
                    if (opcode := first & 0x0F) != PING:
                        return opcode, payload
                    continue
            self.receive_more()

    def close_code(self) -> int:
        """Read up to the close frame, and return its code; 1006 where the stream ends without one."""
        try:
            while True:
                opcode, payload = self.receive()
                if opcode == CLOSE:
                    return int(struct.unpack("!H", payload[:2])[0])
        except (EOFError, ConnectionError):
            return 1006

    def stream_ends(self) -> bool:
        """Whether the stream ends, after any number of frames."""
        try:
            while True:
                self.receive()
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def ready_socket(user: Api, **options: Any) -> RawSocket:
    """A connection of *user* whose `ready` frame has been read. The options are those of `RawSocket`."""
    raw = RawSocket(user.url, f"/ws/x?token={user.token}", **options)
    assert raw.status == 101
    assert json.loads(raw.receive()[1])["type"] == "ready"
    return raw


def refusal(url: str, path: str, **headers: str | None) -> tuple[int, str]:
    """The status and the error code of a handshake that is refused."""
    with RawSocket(url, path, **headers) as raw:
        assert "application/problem+json" in raw.head
        size = int(raw.head.lower().partition("content-length:")[2].split()[0])
        while len(raw.buffer) < size:
            raw.receive_more()
        return raw.status, json.loads(raw.buffer)["code"]
