"""HTTP/1.1 by hand, as much as clients need: bodies with a length or in chunks, and connections that are kept."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from conformance.server.problems import Problem

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-ID",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Expose-Headers": "Link, Retry-After, X-Request-ID",
}


@dataclass
class Request:
    """A request. `head` has the bytes before the body; the names in `headers` are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    head: bytes
    body: bytes = b""

    @property
    def token(self) -> str | None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else None

    @property
    def is_upgrade(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"

    def json(self) -> dict[str, Any]:
        """The body. Raises Problem unless it is an object in JSON."""
        try:
            found = json.loads(self.body)
        except ValueError:
            raise Problem("malformed_json") from None
        if not isinstance(found, dict):
            raise Problem("validation_failed")
        return found

    def number(self, name: str, default: int | None = None) -> int | None:
        """The query parameter *name*. Raises Problem unless it is a number."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isdecimal():
            raise Problem("validation_failed", f"{name} is not a number.")
        return int(text)


@dataclass
class Response:
    """A response; `body` is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> Response:
        return cls(problem.status, problem.body(), problem.headers())

    def encode(self) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = CORS | {"Content-Type": "application/json", "Content-Length": str(len(content))} | self.headers
        headers |= {"X-Request-ID": "scripted", "Cache-Control": "no-store"}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + content


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, or None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        url = urlsplit(target)
        path = unquote(url.path).rstrip("/") or "/"
        request = Request(method, path, dict(parse_qsl(url.query)), headers, head)
        request.body = await _read_body(reader, headers)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return request


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
