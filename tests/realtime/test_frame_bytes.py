"""Frames without a socket: their bytes, what the server's say, and how a client's are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.frames import Close as ClosePayload
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from backend.errors import Forbidden, MalformedJson, RateLimited, ValidationFailed
from backend.events import Event
from backend.http.json import encode
from backend.realtime.transport import frames
from backend.realtime.transport.frames import Close


def body_of(frame: bytes) -> dict[str, Any]:
    """The JSON object in a text frame of the server."""
    assert frame[0] == 0x81
    start = {126: 4, 127: 10}.get(frame[1], 2)
    return dict(json.loads(frame[start:]))


def test_the_numbers_of_the_contract() -> None:
    assert {code.name: code.value for code in Close} == {
        "RESTARTING": 1012, "UNAUTHORIZED": 4401, "HEARTBEAT_MISSED": 4408, "REPLACED": 4409, "TOO_SLOW": 4410,
        "TOO_LARGE": 4413, "TOO_MANY_FRAMES": 4429,
    }  # fmt: skip
    assert frames.REASONS.keys() == set(Close)
    assert (frames.MAX_FRAME_BYTES, frames.HEARTBEAT_SECONDS, frames.TYPING_SECONDS) == (65_536, 25, 6)


def test_control_frames_are_not_masked() -> None:
    assert (frames.PING, frames.PONG_HEAD) == (b"\x89\x00", b"\x8a")
    assert frames.close_frame(4401, "no") == b"\x88\x04\x11\x31no"
    assert frames.close_frame(1005, "") == b"\x88\x00", "a client that gave no code gets none"


@pytest.mark.parametrize("size", [125, 126, 65_535, 65_536, 70_000])
def test_the_length_of_a_text_frame_takes_1_3_or_9_bytes(size: int) -> None:
    body = {"x": "y" * (size - len(encode({"x": ""})))}
    assert frames.text_frame(body) == Frame(Opcode.TEXT, encode(body)).serialize(mask=False)


def protocol(*received: bytes, max_size: int = 100) -> Protocol:
    """An open stream that received these bytes."""
    made = Protocol(SERVER, state=OPEN, max_size=max_size)
    for data in received:
        made.receive_data(data)
    return made


def client_close(code: int) -> bytes:
    return Frame(Opcode.CLOSE, ClosePayload(code, "bye").serialize()).serialize(mask=True)


def test_a_stream_ends_with_the_clients_code_or_with_that_of_its_violation() -> None:
    assert frames.close_of(protocol(client_close(4000))) == (4000, "bye")
    answered = protocol()
    answered.send_close(1000, "ours")
    answered.receive_data(client_close(4001))
    assert frames.close_of(answered) == (4001, "bye")
    assert frames.close_of(protocol(b"\x81\x00"))[0] == 1002, "a frame without a mask"


def test_a_stream_that_has_no_code_ends_because_a_frame_was_too_large() -> None:
    large = Frame(Opcode.TEXT, b"x" * 101).serialize(mask=True)
    assert frames.close_of(protocol(large)) == (4413, "frame larger than 64 KiB")
    assert frames.close_of(protocol()) == (4413, "frame larger than 64 KiB")


def test_presence_names_the_last_time_only_of_users_who_are_away() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    assert body_of(frames.presence_frame(7, is_online=True, last_seen_at=at)) == {
        "type": "presence", "user_id": 7, "status": "online", "last_seen_at": None,
    }  # fmt: skip
    away = body_of(frames.presence_frame(7, is_online=False, last_seen_at=at))
    assert (away["status"], away["last_seen_at"][:10]) == ("offline", "2026-01-02")


def test_an_author_gets_more_of_a_message_than_others() -> None:
    body = {"message": {"id": 1, "client_message_id": None}}
    event = Event("message.created", body, "lobby", author_only={"client_message_id": "k"})
    assert body_of(frames.event_frame(event)) == {"type": "message.created", **body}
    assert body_of(frames.author_frame(event))["message"] == {"id": 1, "client_message_id": "k"}
    assert body_of(frames.author_frame(Event("read", {"seq": 1}, "lobby"))) == {"type": "read", "seq": 1}


def test_an_error_has_only_what_it_knows() -> None:
    assert body_of(frames.error_frame(Forbidden("No."), None)) == {
        "type": "error",
        "code": "forbidden",
        "detail": "No.",
    }
    invalid = body_of(frames.error_frame(ValidationFailed.of("seq", "Too high."), "a"))
    assert (invalid["id"], invalid["errors"]) == ("a", {"seq": ["Too high."]})
    assert "retry_after" not in invalid
    limited = body_of(frames.error_frame(RateLimited("Wait.", headers={"Retry-After": "9"}), "b"))
    assert (limited["retry_after"], "errors" in limited) == (9, False)


def test_an_answer_has_the_id_of_its_frame() -> None:
    assert body_of(frames.answer_frame("pong", "a", at=1)) == {"type": "pong", "at": 1, "id": "a"}
    assert body_of(frames.answer_frame("pong", None)) == {"type": "pong"}


def test_a_clients_frame_is_read() -> None:
    frame = frames.client_frame(b'{"type": "ping", "id": "a", "x": 1}')
    assert (frame.type, frame.id, frame.refusal) == ("ping", "a", None)
    assert frame.body == {"type": "ping", "id": "a", "x": 1}
    assert frames.client_frame(b'{"type": "ping"}').id is None


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"{", MalformedJson),
        (b"[]", ValidationFailed),
        (b'"text"', ValidationFailed),
        (b'{"type": "ping", "id": 7}', ValidationFailed),
        (b'{"type": "ping", "id": ["a"]}', ValidationFailed),
        (b'{"type": "ping", "id": "\\ud800"}', ValidationFailed),
    ],
)
def test_a_frame_that_cannot_be_read_has_a_refusal(data: bytes, error: type[Exception]) -> None:
    frame = frames.client_frame(data)
    assert type(frame.refusal) is error
    assert (frame.type, frame.id) == (None, None)
