"""10,000 random frames over several sockets: no worker dies, no 1011, and all is well afterwards."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

from tests.realtime.client import Api
from tests.realtime.conftest import Deployment
from tests.realtime.raw import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawSocket, frame

FRAMES = 5_000  # on each of the two kinds of server
TYPES = ["send", "typing", "read", "resume", "auth", "ping", "ready", "", "\x00", "é", None, 7, [], {}]
FIELDS = ["content", "conversation_id", "room_id", "recipient_id", "parent_id", "client_message_id", "is_typing", "seq",
          "conversations", "token", "id", "attachment_ids", "x", ""]  # fmt: skip


def value(chance: random.Random, depth: int = 0) -> Any:
    simple = [None, True, False, 0, 1, -1, 2**31, 2**63, 2**200, 0.5, 1e308, "", "x", "lobby", "room:1", "dm:1:2", "\x00",
              "\ud800", "x" * 5_000, "\N{GRINNING FACE}"]  # fmt: skip
    if depth < 3 and chance.random() < 0.2:
        if chance.random() < 0.5:
            return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
        return {str(value(chance, 3)): value(chance, depth + 1) for _ in range(chance.randrange(4))}
    return chance.choice(simple)


def text(chance: random.Random) -> bytes:
    body = {
        "type": chance.choice(TYPES),
        **{name: value(chance) for name in chance.sample(FIELDS, chance.randrange(5))},
    }
    data = json.dumps(body).encode()
    match chance.randrange(8):
        case 0:
            return data[: chance.randrange(len(data))]
        case 1:
            return b"[" * chance.randrange(20_000)
        case 2:
            return chance.randbytes(chance.randrange(200))
        case _:
            return data


def bytes_of_a_frame(chance: random.Random) -> bytes:
    """Mostly a text frame; at times what ends a socket."""
    dice = chance.random()
    if dice < 0.9:
        return frame(text(chance))
    if dice < 0.94:
        return frame(chance.randbytes(chance.randrange(120)), chance.choice([PING, PONG]))
    if dice < 0.96:
        return frame(text(chance), TEXT, fin=False) + frame(text(chance), CONT)
    if dice < 0.97:
        return frame(chance.randbytes(50), chance.choice([BINARY, CONT, CLOSE, 3, 11]))
    if dice < 0.98:
        return frame(b"{}", masked=False)
    if dice < 0.99:
        return frame(text(chance))[: chance.randrange(1, 20)] + chance.randbytes(30)
    return bytes([0x81, 0xFF]) + struct.pack("!Q", chance.choice([2**62, 2**63, 70_000])) + b"abcd"


class Fuzzed:
    """A socket that is opened anew when it ends."""

    def __init__(self, api: Api, number: int):
        self.path = f"/ws/fuzz{number}?token={api.token}"
        self.url = api.url
        self.ends: list[int] = []
        self.raw = RawSocket(self.url, self.path)

    def send(self, data: bytes) -> None:
        """Send bytes, and take what comes, so that nobody waits for this reader."""
        try:
            self.raw.socket.sendall(data)
            self.raw.socket.setblocking(False)
            while True:
                self.raw._more()
                if len(self.raw.buffer) > 1 << 16:
                    while self.raw.buffer:
                        self._take()
        except BlockingIOError:
            self.raw.socket.settimeout(10)
        except (EOFError, OSError):
            self.again()

    def _take(self) -> None:
        self.raw.socket.settimeout(10)
        opcode, payload = self.raw.receive()
        if opcode == CLOSE:
            self.ends.append(int.from_bytes(payload[:2], "big"))

    def again(self) -> None:
        """End this one and open the next."""
        self.raw.socket.settimeout(10)
        self.ends.append(self.raw.closed())
        self.raw.socket.close()
        self.raw = RawSocket(self.url, self.path)


def test_random_frames(deployment: Deployment) -> None:
    chance = random.Random(7)
    pids = deployment.server.worker_pids
    sockets = [Fuzzed(deployment.user(), number) for number in range(4)]
    for n in range(FRAMES):
        chance.choice(sockets).send(bytes_of_a_frame(chance))
        if n % 500 == 499:
            with deployment.user().live() as client:
                assert client.send("healthy")["content"] == "healthy"
    for socket in sockets:
        socket.raw.socket.sendall(frame(b"", 3))
        socket.again()
        socket.raw.socket.close()
    ends = {code for socket in sockets for code in socket.ends}
    assert 1011 not in ends
    assert {1002, 4413} <= ends
    assert deployment.server.worker_pids == pids
    one, other = deployment.user(), deployment.user()
    with one.live() as client, other.live() as listener:
        client.send("still here", recipient_id=other.id)
        listener.message("still here")
