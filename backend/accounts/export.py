"""Everything that Confab holds of a user, as one JSON document, written while it is read: it may be long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Select, select

from backend.audit.log import event_json, record, user_target
from backend.auth.api_tokens import token_json
from backend.database import read_engine
from backend.messages.serialise import MESSAGE_COLUMNS, attachment_json, messages_json
from backend.models import (
    ApiToken,
    Attachment,
    AuditEvent,
    Block,
    ConversationEntry,
    Message,
    MessageMention,
    Reaction,
    Report,
    RoomMembership,
    User,
    UserSession,
)
from backend.models.base import db, utcnow
from backend.moderation.service import own_report_json
from backend.users.serialise import user_json

BATCH = 100
"""Rows that are held at once: messages have 16 kB at most."""

_m = Message.__table__.c


Encode = Callable[[Any], bytes]


def begin_export(user: User, encode: Encode) -> Iterator[bytes]:
    """Note in the audit trail that *user* fetches all of their data, and return it in pieces; *encode* makes JSON of a value."""
    own = user_json(user, user)
    record("account.exported", user.id, user_target(user.id))
    db.session.commit()
    return _document(user.id, own, encode)


def _document(user_id: int, own: dict[str, Any], encode: Encode) -> Iterator[bytes]:
    yield b'{"exported_at":' + encode(utcnow()) + b',"user":' + encode(own)
    for name, model, column, serialise in PARTS:
        yield from _array(name, _rows(model, getattr(model, column) == user_id, serialise), encode)
    yield from _array("messages", _messages(user_id), encode)
    yield b"}\n"


def _array(name: str, pages: Iterator[list[dict[str, Any]]], encode: Encode) -> Iterator[bytes]:
    yield f',"{name}":['.encode()
    separator = b""
    for page in pages:
        yield separator + encode(page)[1:-1]
        separator = b","
    yield b"]"


def _rows(model: Any, own: Any, serialise: Callable[[Any], dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows of *model* in the order of their ids. No connection is held while the caller sends what it got."""
    last = 0
    while True:
        statement = select(model.__table__).where(own, model.id > last).order_by(model.id).limit(BATCH)
        rows = _fetch(statement)
        if not rows:
            return
        yield [serialise(row) for row in rows]
        last = rows[-1].id


def _messages(user_id: int) -> Iterator[list[dict[str, Any]]]:
    """What the user wrote, by conversation, so that an index gives each page its rows in order."""
    for (conversation_id,) in _fetch(select(_m.conversation_id).where(_m.sender_id == user_id).distinct()):
        last = 0
        while True:
            own = (_m.conversation_id == conversation_id, _m.sender_id == user_id, _m.seq > last)
            with read_engine(db.engine).connect() as connection:
                page = _page(connection, select(*MESSAGE_COLUMNS).where(*own).order_by(_m.seq).limit(BATCH), user_id)
            if not page:
                break
            yield page
            last = page[-1]["seq"]


def _page(connection: Connection, statement: Select[Any], user_id: int) -> list[dict[str, Any]]:
    return messages_json(connection.execute(statement).all(), user_id, connection)


def _fetch(statement: Select[Any]) -> list[Any]:
    with read_engine(db.engine).connect() as connection:
        return list(connection.execute(statement))


def _fields(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda row: {name: getattr(row, name) for name in names}


PARTS: tuple[tuple[str, Any, str, Callable[[Any], dict[str, Any]]], ...] = (
    (
        "sessions",
        UserSession,
        "user_id",
        _fields("id", "device_info", "ip_address", "is_active", "created_at", "last_seen_at", "expires_at"),
    ),
    ("api_tokens", ApiToken, "user_id", token_json),
    ("blocks", Block, "user_id", _fields("blocked_id", "created_at")),
    (
        "conversations",
        ConversationEntry,
        "user_id",
        _fields("conversation_id", "last_read_seq", "is_muted", "is_pinned", "created_at"),
    ),
    (
        "rooms",
        RoomMembership,
        "user_id",
        _fields("room_id", "is_admin", "is_banned", "joined_at", "left_at"),
    ),
    ("reactions", Reaction, "user_id", _fields("message_id", "emoji", "created_at")),
    ("mentions", MessageMention, "user_id", _fields("message_id", "conversation_id", "created_at")),
    ("attachments", Attachment, "user_id", attachment_json),
    ("reports", Report, "reporter_id", own_report_json),
    ("security_events", AuditEvent, "actor_id", event_json),
)
"""What there is of a user beside profile and messages: name, table, column and shape."""
