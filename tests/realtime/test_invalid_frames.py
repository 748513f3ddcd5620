"""Invalid frames: which are answered with an error, and which close the socket."""

from __future__ import annotations

import json
import struct
from contextlib import ExitStack

from tests.realtime.conftest import Deployment
from tests.realtime.raw import BINARY, CLOSE, CONT, PING, PONG, frame, ready_socket

REFUSED = [
    (b"not json", "malformed_json"), (b"", "malformed_json"), (b'{"type": "ping"', "malformed_json"),
    (b'{"type": "send", "content": NaN}', "malformed_json"), (b"[" * 30_000, "malformed_json"),
    (b"[]", "validation_failed"), (b'"ping"', "validation_failed"), (b"7", "validation_failed"), (b"null", "validation_failed"),
    (b"{}", "validation_failed"), (b'{"type": 1}', "validation_failed"), (b'{"type": "jump"}', "validation_failed"),
    (b'{"type": ["ping"]}', "validation_failed"), (b'{"type": {"a": 1}}', "validation_failed"),
    (b'{"type": "ping", "extra": 1}', "validation_failed"), (b'{"type": "ping", "id": 7}', "validation_failed"),
    (b'{"type": "ping", "id": ["x"]}', "validation_failed"), (b'{"type": "ping", "id": "\\ud800"}', "validation_failed"),
    (b'{"type": "send"}', "validation_failed"), (b'{"type": "send", "content": 7}', "validation_failed"),
    (b'{"type": "send", "content": " "}', "validation_failed"),
    (b'{"type": "send", "content": "a\\u0000b"}', "validation_failed"),
    (b'{"type": "send", "content": "\\ud800"}', "validation_failed"),
    (b'{"type": "send", "content": "x", "room_id": 1, "recipient_id": 2}', "validation_failed"),
    (b'{"type": "send", "content": "x", "room_id": 9223372036854775808}', "validation_failed"),
    (b'{"type": "send", "content": "x", "room_id": 9223372036854775807}', "not_found"),
    (b'{"type": "send", "content": "x", "conversation_id": "room:01"}', "not_found"),
    (b'{"type": "read", "conversation_id": "lobby"}', "validation_failed"),
    (b'{"type": "read", "conversation_id": "lobby", "seq": -1}', "validation_failed"),
    (b'{"type": "read", "conversation_id": "lobby", "seq": 9223372036854775807}', "validation_failed"),
    (b'{"type": "typing", "conversation_id": 5}', "validation_failed"),
    (b'{"type": "typing", "conversation_id": "lobby", "is_typing": "yes"}', "validation_failed"),
    (b'{"type": "resume", "conversations": []}', "validation_failed"),
    (b'{"type": "resume", "conversations": {"lobby": -1}}', "validation_failed"),
    (b'{"type": "auth"}', "validation_failed"),
]  # fmt: skip


def test_bad_frames_are_answered_with_errors_and_the_socket_stays_open(deployment: Deployment) -> None:
    with ready_socket(deployment.user()) as raw:
        for payload, code in REFUSED:
            raw.send(payload)
            answer = json.loads(raw.receive()[1])
            assert (answer["type"], answer["code"]) == ("error", code), payload
        raw.send(b'{"type": "ping", "id": "' + b"x" * 5_000 + b'"}')
        assert json.loads(raw.receive()[1]) == {"type": "pong", "id": "x" * 5_000}
        raw.send(b'{"type": "ping", "id": null}')
        assert json.loads(raw.receive()[1]) == {"type": "pong"}


def test_control_frames_between_fragments_are_answered(deployment: Deployment) -> None:
    with ready_socket(deployment.user()) as raw:
        raw.send(b'{"type": "ping", "id": "', fin=False)
        raw.send(b"are you there", PING)
        raw.send(b"", PONG)
        raw.send("\N{GRINNING FACE}".encode()[:2], CONT, fin=False)
        raw.send("\N{GRINNING FACE}".encode()[2:], CONT, fin=False)
        raw.send(b'"}', CONT)
        assert raw.receive() == (PONG, b"are you there")
        assert json.loads(raw.receive()[1]) == {"type": "pong", "id": "\N{GRINNING FACE}"}


def test_a_frame_that_arrives_in_single_bytes_is_handled(deployment: Deployment) -> None:
    with ready_socket(deployment.user()) as raw:
        for byte in frame(b'{"type": "ping"}'):
            raw.socket.sendall(bytes([byte]))
        assert json.loads(raw.receive()[1]) == {"type": "pong"}


VIOLATIONS: list[tuple[bytes, dict[str, int], int]] = [
    (b"\xff\xfe", {}, 1007),
    (b"{}", {"opcode": BINARY}, 1003),
    (b"{}", {"masked": False}, 1002),
    (b"{}", {"opcode": 3}, 1002),
    (b"{}", {"opcode": CONT}, 1002),
    (b"{}", {"flags": 0x40}, 1002),
    (b"x" * 200, {"opcode": PING}, 1002),
    (b" " * 65_537, {}, 4413),
    (b"x" * 1_000_000, {}, 4413),
]


def test_a_protocol_violation_closes_the_socket(deployment: Deployment) -> None:
    """The server waits some seconds for the close frames of these clients, which send none, so all are open at once."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(ready_socket(deployment.user())) for _ in VIOLATIONS]
        for raw, (payload, options, _) in zip(sockets, VIOLATIONS, strict=True):
            raw.send(payload, **options)
        for raw, (payload, options, code) in zip(sockets, VIOLATIONS, strict=True):
            assert raw.close_code() == code, (payload[:10], options)
        for raw, (payload, options, _) in zip(sockets, VIOLATIONS, strict=True):
            assert raw.stream_ends(), (payload[:10], options)


def test_fragments_that_are_too_large_together_close_the_socket(deployment: Deployment) -> None:
    with ready_socket(deployment.user()) as raw:
        raw.send(b"x" * 40_000, fin=False)
        raw.send(b"x" * 40_000, CONT)
        assert raw.close_code() == 4413


def test_a_frame_of_the_largest_size_is_handled(deployment: Deployment) -> None:
    with ready_socket(deployment.user()) as raw:
        raw.send(b'{"type": "ping"}' + b" " * (65_536 - 16))
        assert json.loads(raw.receive()[1]) == {"type": "pong"}


def test_a_close_frame_is_answered_with_its_code(deployment: Deployment) -> None:
    with ready_socket(deployment.user()) as raw:
        raw.send(struct.pack("!H", 1000) + b"bye", CLOSE)
        assert raw.close_code() == 1000
        assert raw.stream_ends()
