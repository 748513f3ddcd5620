"""The speed of gevent on this machine: a fan-out without any other layer. It is a goal, not a reference.

A plain StreamServer does the upgrade, and each client has a reader greenlet. The sender's greenlet
encodes a frame once and writes it to every socket without waiting. A slow reader is disconnected.
Usage: gevent_raw.py PORT
"""

from gevent import monkey

monkey.patch_all()
import base64  # noqa: E402
import hashlib  # noqa: E402
import re  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from gevent.server import StreamServer  # noqa: E402

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT = 1
senders = {}


def fan_out(payload: bytes) -> None:
    size = len(payload)
    frame = (bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")) + payload
    for link, send in list(senders.items()):
        try:
            send(frame)
        except OSError:
            senders.pop(link, None)
            link.close()


def handle(link, _address) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without this, delays of 40 ms
    try:
        rest = upgrade(link)
        senders[link] = link._sock.send  # the non-blocking send in C
        while True:
            rest = read_frames(rest)
            data = link.recv(65536)
            if not data:
                return
            rest += data
    except OSError:
        pass
    finally:
        senders.pop(link, None)


def upgrade(link) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = link.recv(4096)
        if not more:
            raise OSError("closed during the upgrade")
        data += more
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", data)[1]
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    link.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    return data.split(b"\r\n\r\n", 1)[1]


def read_frames(data: bytes) -> bytes:
    while len(data) >= 6:
        size, at = data[1] & 127, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        end = at + 4 + size
        if len(data) < end:
            break
        if data[0] & 15 == TEXT:
            fan_out(unmask(data[at : at + 4], data[at + 4 : end]))
        data = data[end:]
    return data


def unmask(mask: bytes, payload: bytes) -> bytes:
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


StreamServer(("127.0.0.1", int(sys.argv[1])), handle, backlog=4096).serve_forever()
