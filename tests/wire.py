"""A connection without a library, for requests that no library would send."""

from __future__ import annotations

import http.client
import json
import select
import socket
from dataclasses import dataclass
from typing import Any, Self

from tests.servers import Server


@dataclass
class Answer:
    """One answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def is_problem(self, status: int, code: str) -> bool:
        """Return True for the refusal with this *status* and *code* as a problem. Raises AssertionError for any other answer."""
        problem = self.json
        assert (self.status, problem["status"], problem["code"]) == (status, status, code), self
        assert self.headers.get_content_type() == "application/problem+json"
        assert {"type", "title", "detail"} <= set(problem)
        assert problem["request_id"] == self.headers["X-Request-ID"]
        return True


class Wire:
    """A connection to *server*. With a small *receive_buffer* the client's side buffers little of what is not read."""

    def __init__(self, server: Server, raw: bytes = b"", *, receive_buffer: int | None = None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(raw)

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def end(self) -> None:
        """Send nothing more, but continue to read."""
        self.socket.shutdown(socket.SHUT_WR)

    def says(self, seconds: float) -> bool:
        """Return whether the server sends anything, or closes, within *seconds*."""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, which may be an informational one."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = self.socket.recv(1)  # not a byte further: another answer may follow
            assert data, f"the connection ended after {head!r}"
            head += data
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = http.client.HTTPMessage()
        for line in lines:
            name, colon, value = line.partition(": ")
            if colon:
                headers[name] = value
        status, body = int(first.split()[1]), bytearray()
        length = 0 if method == "HEAD" or status < 200 else int(headers.get("Content-Length") or 0)
        while len(body) < length:
            data = self.socket.recv(length - len(body))
            assert data, f"the body ended after {bytes(body)!r}"
            body += data
        return Answer(status, headers, bytes(body))

    def rest(self) -> bytes:
        """Everything until the server closes."""
        parts = []
        while data := self.socket.recv(65536):
            parts.append(data)
        return b"".join(parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def request(path: str, body: bytes = b"", method: str = "POST", **headers: str) -> bytes:
    """A valid request: JSON with its length; *headers* are added, with `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: a.example"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
