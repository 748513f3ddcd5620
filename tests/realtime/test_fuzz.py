"""Random frames over several sockets: no worker dies, no socket is closed with 1011, and the server still works."""

from __future__ import annotations

import json
import os
import random
import struct
from typing import Any

from tests.realtime.client import Api
from tests.realtime.conftest import Deployment
from tests.realtime.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawSocket, frame

FRAMES = int(os.environ.get("FUZZ_FRAMES", "2000"))
"""On each of the two deployments. `make chaos` sends ten times as many."""

TYPES = ["send", "typing", "read", "resume", "auth", "ping", "ready", "", "\x00", "é", None, 7, [], {}]
FIELDS = ["content", "conversation_id", "room_id", "recipient_id", "parent_id", "client_message_id", "is_typing", "seq",
          "conversations", "token", "id", "attachment_ids", "x", ""]  # fmt: skip


def value(rng: random.Random, depth: int = 0) -> Any:
    simple = [None, True, False, 0, 1, -1, 2**31, 2**63, 2**200, 0.5, 1e308, "", "x", "lobby", "room:1", "dm:1:2", "\x00",
              "\ud800", "x" * 5_000, "\N{GRINNING FACE}"]  # fmt: skip
    if depth < 3 and rng.random() < 0.2:
        if rng.random() < 0.5:
            return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
        return {str(value(rng, 3)): value(rng, depth + 1) for _ in range(rng.randrange(4))}
    return rng.choice(simple)


def text(rng: random.Random) -> bytes:
    body = {
        "type": rng.choice(TYPES),
        **{name: value(rng) for name in rng.sample(FIELDS, rng.randrange(5))},
    }
    data = json.dumps(body).encode()
    match rng.randrange(8):
        case 0:
            return data[: rng.randrange(len(data))]
        case 1:
            return b"[" * rng.randrange(20_000)
        case 2:
            return rng.randbytes(rng.randrange(200))
        case _:
            return data


def bytes_of_a_frame(rng: random.Random) -> bytes:
    """A text frame in nine of ten cases, else often something that closes a socket."""
    number = rng.random()
    if number < 0.9:
        return frame(text(rng))
    if number < 0.94:
        return frame(rng.randbytes(rng.randrange(120)), rng.choice([PING, PONG]))
    if number < 0.96:
        return frame(text(rng), TEXT, fin=False) + frame(text(rng), CONT)
    if number < 0.97:
        return frame(rng.randbytes(50), rng.choice([BINARY, CONT, CLOSE, 3, 11]))
    if number < 0.98:
        return frame(b"{}", masked=False)
    if number < 0.99:
        return frame(text(rng))[: rng.randrange(1, 20)] + rng.randbytes(30)
    return bytes([0x81, 0xFF]) + struct.pack("!Q", rng.choice([2**62, 2**63, 70_000])) + b"abcd"


class Fuzzed:
    """A socket that is opened again when the server closes it."""

    def __init__(self, api: Api, number: int):
        self.path = f"/ws/fuzz{number}?token={api.token}"
        self.url = api.url
        self.close_codes: list[int] = []
        self.raw = RawSocket(self.url, self.path)

    def send(self, data: bytes) -> None:
        """Send bytes, and read what the server sent, so that its buffers do not fill."""
        try:
            self.raw.socket.sendall(data)
            self.raw.socket.setblocking(False)
            while True:
                self.raw.receive_more()
                if len(self.raw.buffer) > 1 << 16:
                    while self.raw.buffer:
                        self._take()
        except BlockingIOError:
            self.raw.socket.settimeout(10)
        except (EOFError, OSError):
            self.reopen()

    def _take(self) -> None:
        self.raw.socket.settimeout(10)
        opcode, payload = self.raw.receive()
        if opcode == CLOSE:
            self.close_codes.append(int.from_bytes(payload[:2], "big"))

    def reopen(self) -> None:
        """Read up to the end of this socket, and open the next one."""
        self.raw.socket.settimeout(10)
        self.close_codes.append(self.raw.close_code())
        self.raw.socket.close()
        self.raw = RawSocket(self.url, self.path)


def test_random_frames_break_nothing(deployment: Deployment) -> None:
    rng = random.Random(7)
    pids = deployment.server.worker_pids
    sockets = [Fuzzed(deployment.user(), number) for number in range(4)]
    for n in range(FRAMES):
        rng.choice(sockets).send(bytes_of_a_frame(rng))
        if n % 500 == 499:
            with deployment.user().live() as client:
                assert client.send("healthy")["content"] == "healthy"
    for socket in sockets:
        socket.raw.socket.sendall(frame(b"", 3))
        socket.reopen()
        socket.raw.socket.close()
    close_codes = {code for socket in sockets for code in socket.close_codes}
    assert 1011 not in close_codes
    assert {1002, 4413} <= close_codes
    assert deployment.server.worker_pids == pids
    one, other = deployment.user(), deployment.user()
    with one.live() as client, other.live() as receiver:
        client.send("still here", recipient_id=other.id)
        receiver.expect_message("still here")
