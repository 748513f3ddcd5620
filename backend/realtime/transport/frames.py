"""Frames of a WebSocket (RFC 6455), and the JSON in them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from websockets.exceptions import PayloadTooBig
from websockets.frames import Close as ClosePayload
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol

from backend.errors import ChatError, ValidationFailed
from backend.events import Event
from backend.http.json import decode, encode

protocol_log = logging.getLogger("confab.websocket")
"""The logger of the framing library, which logs every opening and closing."""

MAX_FRAME_BYTES = 64 * 1024
HEARTBEAT_SECONDS = 25
TYPING_SECONDS = 6


class Close(IntEnum):
    """The close codes of the contract, section 6."""

    RESTARTING = 1012
    UNAUTHORIZED = 4401
    HEARTBEAT_MISSED = 4408
    REPLACED = 4409
    TOO_SLOW = 4410
    TOO_LARGE = 4413
    TOO_MANY_FRAMES = 4429


REASONS: dict[int, str] = {
    Close.RESTARTING: "server restarting",
    Close.UNAUTHORIZED: "not authorised, or no longer",
    Close.HEARTBEAT_MISSED: "no answer to pings",
    Close.REPLACED: "replaced by a newer socket of this client",
    Close.TOO_SLOW: "too slow to read",
    Close.TOO_LARGE: "frame larger than 64 KiB",
    Close.TOO_MANY_FRAMES: "too many frames",
}


PING = Frame(Opcode.PING, b"").serialize(mask=False)
PONG_HEAD = Frame(Opcode.PONG, b"").serialize(mask=False)[:1]


def close_frame(code: int, reason: str) -> bytes:
    """A close frame. It has no code where it answers a close frame without a code (1005)."""
    payload = b"" if code == CloseCode.NO_STATUS_RCVD else ClosePayload(code, reason).serialize()
    return Frame(Opcode.CLOSE, payload).serialize(mask=False)


def close_of(protocol: Protocol) -> tuple[int, str]:
    """The code and reason with which a client ended its stream: those of its close frame, or of its violation of the protocol."""
    close = protocol.close_rcvd or protocol.close_sent
    if close is None or isinstance(protocol.parser_exc, PayloadTooBig):
        return Close.TOO_LARGE, REASONS[Close.TOO_LARGE]
    return close.code, close.reason


def text_frame(body: dict[str, Any]) -> bytes:
    """*body* as one complete, unmasked text frame. Encoded here, since the library's Frame takes four times as long."""
    payload = encode(body)
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def event_frame(event: Event) -> bytes:
    """*event* as every receiver gets it."""
    return text_frame({"type": event.type, **event.body})


def presence_frame(user_id: int, is_online: bool, last_seen_at: datetime | None = None) -> bytes:
    """A user is online, or was until *last_seen_at*."""
    body = {"type": "presence", "user_id": user_id, "status": "online" if is_online else "offline"}
    return text_frame({**body, "last_seen_at": None if is_online else last_seen_at})


def author_frame(event: Event) -> bytes:
    """*event* as its author gets it."""
    body = event.body
    if event.author_only:
        body = {**body, "message": {**body["message"], **event.author_only}}
    return text_frame({"type": event.type, **body})


def error_frame(error: ChatError, frame_id: str | None) -> bytes:
    """The answer to a client's frame that was refused."""
    body: dict[str, Any] = {"type": "error", "code": error.code, "detail": error.detail}
    if error.errors:
        body["errors"] = error.errors
    if "Retry-After" in error.headers:
        body["retry_after"] = int(error.headers["Retry-After"])
    return text_frame(_with_id(body, frame_id))


def answer_frame(type_: str, frame_id: str | None, **body: Any) -> bytes:
    """The answer to a client's frame, with the id that the client gave it."""
    return text_frame(_with_id({"type": type_, **body}, frame_id))


def _with_id(body: dict[str, Any], frame_id: str | None) -> dict[str, Any]:
    return body if frame_id is None else {**body, "id": frame_id}


@dataclass(slots=True)
class ClientFrame:
    """A client's frame: the id for its answer, its type and body, and the error with which it is refused, if it is."""

    id: str | None = None
    type: Any = None
    body: dict[str, Any] = field(default_factory=dict)
    refusal: ChatError | None = None


def client_frame(data: bytes) -> ClientFrame:
    """Parse *data* as a client's frame. What is wrong with it becomes its `refusal`."""
    frame = ClientFrame()
    try:
        frame.body = read_frame(data)
        frame.id = frame_id_of(frame.body)
        frame.type = frame.body.get("type")
    except ChatError as error:
        frame.refusal = error
    return frame


def read_frame(data: bytes) -> dict[str, Any]:
    """The JSON object in *data*. Raises MalformedJson, or ValidationFailed where it is no object."""
    frame = decode(data)
    if not isinstance(frame, dict):
        raise ValidationFailed("A frame is a JSON object.")
    return frame


def frame_id_of(frame: dict[str, Any]) -> str | None:
    """The client's id of a frame, or None. Raises ValidationFailed where it is no string, or has a lone surrogate."""
    frame_id = frame.get("id")
    if frame_id is None:
        return None
    try:
        if isinstance(frame_id, str):
            frame_id.encode()
            return frame_id
    except UnicodeEncodeError:
        pass
    raise ValidationFailed.of("id", "A frame's id is a string.")
