"""HTTP load: an HTTP/1.1 client that is fast enough not to be the bottleneck, and closed loops of calls."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

Call = Callable[[], Awaitable[None]]
ANSWER_TIMEOUT = 60  # seconds for the last answers of a run to arrive


class AnswerError(RuntimeError):
    """A server gave an answer that the workload does not expect."""


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time. It opens at the first request, and again after it was closed."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future | None = None

    def connection_made(self, transport):
        self.transport = transport
        self.buffer = bytearray()
        self._next()

    def connection_lost(self, _reason):
        self.transport = None
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError("closed before the answer"))

    def data_received(self, data):
        self.buffer += data
        if self.body_at < 0 and not self._head():
            return
        body = self._chunked() if self.length is None else self._counted()
        if body is None:
            return
        status, answer = self.status, self.answer
        self._next()
        if answer and not answer.done():
            answer.set_result((status, body))

    def _next(self):
        self.body_at, self.length, self.answer = -1, 0, None

    def _head(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end]).lower()
        self.status, self.body_at = int(head[9:12]), end + 4
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            self.length = int(head[at + 17 :].split(b"\r\n", 1)[0])
        else:
            self.length = 0 if self.status in (204, 304) else None
        return True

    def _counted(self) -> bytes | None:
        end = self.body_at + self.length
        if len(self.buffer) < end:
            return None
        body = bytes(self.buffer[self.body_at : end])
        del self.buffer[:end]
        return body

    def _chunked(self) -> bytes | None:
        if not self.buffer.endswith(b"0\r\n\r\n"):
            return None
        body, at = b"", self.body_at
        while size := int(self.buffer[at : (line := self.buffer.find(b"\r\n", at))], 16):
            body += self.buffer[line + 2 : line + 2 + size]
            at = line + 4 + size
        self.buffer.clear()
        return body

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body of its answer. Reconnects if the server closed the idle connection."""
        loop = asyncio.get_running_loop()
        for attempt in range(3):
            if self.transport is None or self.transport.is_closing():
                await loop.create_connection(lambda: self, *self.address)
            self.answer = answer = loop.create_future()
            self.transport.write(request)
            try:
                return await answer
            except ConnectionError:
                if attempt == 2:
                    raise
        raise AssertionError

    async def expect(self, status: int, request: bytes) -> bytes:
        got, body = await self.exchange(request)
        if got != status:
            line = request.split(b"\r\n", 1)[0].decode()
            raise AnswerError(f"{line}: {got} {body[:300].decode(errors='replace')}")
        return body

    def close(self):
        if self.transport:
            self.transport.abort()


def build(method: str, path: str, token: str | None = None, body: bytes | None = None) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


async def call_json(connection: Connection, method: str, path: str, status: int, **options):
    """Make one call that is not measured, with body and answer as Python values."""
    body = options.get("body")
    data = None if body is None else json.dumps(body).encode()
    answer = await connection.expect(status, build(method, path, options.get("token"), data))
    return json.loads(answer) if answer else None


async def call_many(url: str, jobs, width: int = 8) -> list:
    """Run *jobs*, which are functions of a connection, *width* at a time. Returns the results in the order of *jobs*."""
    jobs = list(jobs)
    results, queue = [None] * len(jobs), iter(enumerate(jobs))

    async def worker():
        connection = Connection(url)
        for at, job in queue:
            results[at] = await job(connection)
        connection.close()

    await asyncio.gather(*(worker() for _ in range(width)))
    return results


async def closed_loop(calls: list[Call], seconds: float, pause: float = 0) -> tuple[float, list[float]]:
    """Repeat every call in its own task for *seconds*, with *pause* seconds between two calls.

    Returns the elapsed seconds and the latency of each call.
    """
    latencies: list[float] = []
    start = time.perf_counter()

    async def repeat(call: Call):
        while (before := time.perf_counter()) < start + seconds:
            await call()
            latencies.append(time.perf_counter() - before)
            if pause:
                await asyncio.sleep(pause)

    await asyncio.wait_for(asyncio.gather(*map(repeat, calls)), seconds + ANSWER_TIMEOUT)
    return time.perf_counter() - start, latencies


def content() -> bytes:
    """Return a message of 100 bytes that contains the time of sending."""
    return b"@@%019d|" % time.perf_counter_ns() + b"x" * 78
