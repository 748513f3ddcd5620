"""WebSocket load: a client that is light enough for thousands of sockets in one process, and its protocols."""

import asyncio
import base64
import json
import os
import time
from urllib.parse import urlsplit

STAMP = b"@@"  # the start of a measured message, see load_http.content
CREATED, UPDATED = b'{"type":"message.created"', b'{"type":"message.updated"'
TEXT, CLOSE, PING = 1, 8, 9
CONNECT_TIMEOUT = 30


class Socket(asyncio.Protocol):
    """A client of a server that sends every text unchanged to all clients, like peers/ws_node.js.

    It counts the messages that arrive. If `latencies` is a list, it appends the latency of each in seconds.
    """

    path = "/"

    def __init__(self, path: str | None = None):
        self.path = path or self.path
        self.received, self.latencies, self.refused = 0, None, None
        self.pending: dict[int, asyncio.Future] = {}
        self.buffer, self.upgraded = b"", False
        self.ready = asyncio.get_running_loop().create_future()

    async def connect(self, url: str) -> "Socket":
        parts, loop = urlsplit(url), asyncio.get_running_loop()
        await loop.create_connection(lambda: self, parts.hostname, parts.port)
        await asyncio.wait_for(self.ready, CONNECT_TIMEOUT)
        return self

    def connection_made(self, transport):
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, _reason):
        lost = ConnectionError(f"the socket was closed: {self.refused or 'by the server'}")
        for future in (self.ready, *self.pending.values()):
            if not future.done():
                future.set_exception(lost)

    def data_received(self, data):
        if self.buffer:
            data = self.buffer + data
        if not self.upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = data
                return
            if b" 101" not in data[:20]:
                self.ready.set_exception(ConnectionError(data[:200].decode(errors="replace")))
                return
            self.upgraded, data = True, data[end + 4 :]
            self.on_upgrade()
        self.buffer = self._frames(data)

    def _frames(self, data: bytes) -> bytes:
        """Handle the complete frames in *data* and return the rest. Servers do not mask frames."""
        at, end = 0, len(data)
        while end - at >= 2:
            length, payload = data[at + 1] & 127, at + 2
            if length > 125:
                payload += 2 if length == 126 else 8
                if payload > end:
                    break
                length = int.from_bytes(data[at + 2 : payload], "big")
            if payload + length > end:
                break
            if (kind := data[at] & 15) == TEXT:
                self.on_text(data, payload, payload + length)
            elif kind == PING:
                self.write(0x8A, data[payload : payload + length])
            elif kind == CLOSE:
                self.refused = self.refused or int.from_bytes(data[payload : payload + 2], "big")
                self.transport.close()
            at = payload + length
        return data[at:]

    def write(self, opcode: int, payload: bytes):
        """Write one frame, masked with zeros, which is the cheapest mask."""
        size = len(payload)
        head = bytes((opcode, 0x80 | size)) if size < 126 else bytes((opcode, 0xFE)) + size.to_bytes(2, "big")
        self.transport.write(head + b"\0\0\0\0" + payload)

    def on_upgrade(self):
        self.ready.set_result(None)

    def on_text(self, data: bytes, start: int, end: int):
        self.count(data, start, end)
        self.acknowledge(data, start, end)

    def count(self, data: bytes, start: int, end: int):
        """Count a delivered message, and record its latency."""
        self.received += 1
        if self.latencies is not None and (stamp := self.stamp(data, start, end)):
            self.latencies.append((time.perf_counter_ns() - stamp) / 1e9)

    def acknowledge(self, data: bytes, start: int, end: int):
        """Complete the pending send that this message acknowledges."""
        future = self.pending.pop(self.stamp(data, start, end), None) if self.pending else None
        if future and not future.done():
            future.set_result(None)

    @staticmethod
    def stamp(data: bytes, start: int, end: int) -> int:
        at = data.find(STAMP, start, end)
        return int(data[at + 2 : at + 21]) if at >= 0 else 0

    def post(self, text: bytes):
        self.write(0x81, self.wrap(text))

    def wrap(self, text: bytes) -> bytes:
        return text

    async def post_and_wait(self, text: bytes):
        """Send, and wait until the server has acknowledged the message (a peer: has sent it back)."""
        future = self.pending[self.stamp(text, 0, len(text))] = asyncio.get_running_loop().create_future()
        self.post(text)
        await future


class SocketIo(Socket):
    """Engine.IO 4 over WebSocket: the client of peers/sio_node.js."""

    path = "/socket.io/?EIO=4&transport=websocket"

    def on_upgrade(self):
        pass  # ready after the answer of the namespace

    def on_text(self, data, start, end):
        kind = data[start : start + 2]
        if kind == b"42":
            super().on_text(data, start, end)
        elif kind == b"40" and not self.ready.done():
            self.ready.set_result(None)
        elif kind[:1] == b"0":
            self.write(0x81, b"40")
        elif kind[:1] == b"2":
            self.write(0x81, b"3")

    def wrap(self, text):
        return b'420["msg","%s"]' % text


class ConfabSocket(Socket):
    """A client of Confab's protocol: `ready` first, `ack` for a `send`, `message.created` to all subscribers.

    Sends go to *rooms* in turn. A send counts as acknowledged at its `ack`. With `own_delivery` it counts when
    the message itself arrives, which corresponds to the peers' echo.
    """

    def __init__(self, client_id: str, token: str, rooms: list[int], own_delivery: bool = False):
        super().__init__(f"/ws/{client_id}?token={token}")
        self.rooms, self.turn, self.own_delivery = rooms, 0, own_delivery
        self.answers: dict[str, asyncio.Future] = {}

    def on_upgrade(self):
        pass  # ready after the frame `ready`

    def on_text(self, data, start, end):
        if data.startswith(CREATED, start):
            self.count(data, start, end)
            if self.own_delivery:
                self.acknowledge(data, start, end)
            return
        if data.startswith(UPDATED, start):
            self.received += 1
            return
        frame = json.loads(data[start:end])
        if (answer := self.answers.pop(frame.get("id"), None)) is not None and frame["type"] != "error":
            answer.set_result(frame)
        elif frame["type"] == "ack" and not self.own_delivery:
            self.acknowledge(data, start, end)
        elif frame["type"] == "ready":
            self.ready.set_result(None)
        elif frame["type"] == "error":
            self.refused = frame
            self.transport.abort()

    async def request(self, **frame) -> dict:
        """Send a frame, and return its answer. An error closes the socket."""
        id_ = f"request-{self.turn}"
        self.turn += 1
        self.answers[id_] = asyncio.get_running_loop().create_future()
        answer = self.answers[id_]
        self.write(0x81, json.dumps({**frame, "id": id_}).encode())
        return await answer

    def wrap(self, text):
        room = self.rooms[self.turn % len(self.rooms)]
        self.turn += 1
        return b'{"type":"send","id":"%s","room_id":%d,"content":"%s"}' % (text[2:21], room, text)


async def connect_all(sockets: list[Socket], url: str, width: int = 20) -> list[Socket]:
    for at in range(0, len(sockets), width):
        await asyncio.gather(*(s.connect(url) for s in sockets[at : at + width]))
    return sockets


def disconnect_all(sockets: list[Socket]) -> None:
    for one in sockets:
        one.transport.abort()
