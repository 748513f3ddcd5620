"""Export of all data of a user, as one JSON document, or as a ZIP archive of that document and the user's files.

Both are streamed, because they may be large.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select, true

from backend.accounts.export_names import Names, Row
from backend.attachments.serialise import attachment_json
from backend.audit.log import event_json, record, user_target
from backend.auth.api_tokens import token_json
from backend.database import read_all, read_engine
from backend.messages.access import is_served
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import messages_json
from backend.models import (
    ApiToken,
    Attachment,
    AuditEvent,
    Block,
    ConversationEntry,
    Message,
    MessageEdit,
    MessageMention,
    Pin,
    Reaction,
    Report,
    RoomMembership,
    User,
    UserSession,
)
from backend.models.base import db, utcnow
from backend.models.message import AttachmentState
from backend.moderation.service import own_report_json
from backend.storage import FileMissing, storage
from backend.storage.archive import Entry, zip_stream
from backend.users.avatars import avatar_key
from backend.users.serialise import user_json

BATCH = 100
"""The number of rows in memory at a time. A message has at most 16 kB."""

DOCUMENT = "export.json"
"""The path of the document in the archive."""

IS_READY = Attachment.state == AttachmentState.READY
"""An attachment that is being uploaded or removed has no file to export."""

_m = Message.__table__.c
_UNSAFE = re.compile(r"[^\w .()+-]")

Encode = Callable[[Any], bytes]


def export_json(user: User, encode: Encode) -> Iterator[bytes]:
    """Return all data of *user* as one JSON document, in pieces. *encode* turns a value into JSON. The audit log records it."""
    document, _ = _begin(user, encode)
    return document


def export_zip(user: User, encode: Encode) -> Iterator[bytes]:
    """Like `export_json`, as a ZIP archive that holds the files of *user* too."""
    document, files = _begin(user, encode)
    return zip_stream(_entries(document, files))


def _begin(user: User, encode: Encode) -> tuple[Iterator[bytes], Iterator[Entry]]:
    document = _document(user.id, user_json(user, user), Names(user), encode)
    files = _files(user.id, avatar_key(user))
    record("account.exported", user.id, user_target(user.id))
    db.session.commit()
    return document, files


def _entries(document: Iterator[bytes], files: Iterator[Entry]) -> Iterator[Entry]:
    yield DOCUMENT, document
    yield from files


def _document(user_id: int, own: Row, names: Names, encode: Encode) -> Iterator[bytes]:
    yield b'{"exported_at":' + encode(utcnow()) + b',"user":' + encode(own)
    for part in PARTS:
        rows = _rows(part.model, and_(getattr(part.model, part.owner) == user_id, part.condition()), part.serialise)
        yield from _members(part.name, b"[]", _completed(rows, part.complete, names), encode)
    yield from _members("messages", b"[]", _completed(_messages(user_id), Names.note_messages, names), encode)
    yield from _members("edits", b"[]", _former_versions(user_id), encode)
    yield from _members("users", b"{}", names.users(), encode)
    yield b"}\n"


def _members(name: str, brackets: bytes, pages: Iterator[Any], encode: Encode) -> Iterator[bytes]:
    """Return an array, or an object, that contains the pages in order."""
    yield f',"{name}":'.encode() + brackets[:1]
    separator = b""
    for page in pages:
        if page:
            yield separator + encode(page)[1:-1]
            separator = b","
    yield brackets[1:]


def _completed(
    pages: Iterator[list[Row]], complete: Callable[[Names, list[Row]], None] | None, names: Names
) -> Iterator[list[Row]]:
    for page in pages:
        if complete is not None:
            complete(names, page)
        yield page


def _rows(model: Any, own: Any, serialise: Callable[[Any], Row]) -> Iterator[list[Row]]:
    """Return the rows of *model* in the order of their ids. No connection is held while the caller sends a page."""
    for rows in _pages(model, own):
        yield [serialise(row) for row in rows]


def _pages(model: Any, own: Any) -> Iterator[list[Any]]:
    last = 0
    while rows := read_all(
        db.engine, select(model.__table__).where(own, model.id > last).order_by(model.id).limit(BATCH)
    ):
        yield rows
        last = rows[-1].id


def _messages(user_id: int) -> Iterator[list[Row]]:
    """Return what the user wrote."""
    for rows in _own_messages(user_id, MESSAGE_COLUMNS):
        with read_engine(db.engine).connect() as connection:
            page = messages_json(rows, user_id, connection)
        yield page


def _former_versions(user_id: int) -> Iterator[list[Row]]:
    """Return the former versions of what the user wrote, without those of deleted messages."""
    edited = (_m.edited_at.is_not(None), _m.deleted_at.is_(None))
    for rows in _own_messages(user_id, (_m.id, _m.seq), *edited):
        ids = [row.id for row in rows]
        yield from _rows(MessageEdit, MessageEdit.message_id.in_(ids), _fields("message_id", "content", "edited_at"))


def _own_messages(
    user_id: int, columns: Sequence[ColumnElement[Any]], *where: ColumnElement[bool]
) -> Iterator[list[Any]]:
    """Return *columns* of the user's messages, by conversation, so that an index gives each page its rows in order."""
    for (conversation_id,) in read_all(db.engine, select(_m.conversation_id).where(_m.sender_id == user_id).distinct()):
        last = 0
        own = (_m.conversation_id == conversation_id, _m.sender_id == user_id, *where)
        while rows := read_all(db.engine, select(*columns).where(*own, _m.seq > last).order_by(_m.seq).limit(BATCH)):
            yield rows
            last = rows[-1].seq


def _files(user_id: int, avatar: str | None) -> Iterator[Entry]:
    """Return the user's files. One that is deleted meanwhile is left out."""
    for path, key in _file_keys(user_id, avatar):
        try:
            pieces = storage().read(key)
        except FileMissing:
            continue
        yield path, pieces


def _file_keys(user_id: int, avatar: str | None) -> Iterator[tuple[str, str]]:
    """Return the path in the archive and the storage key of each file. A new kind of file is added here."""
    if avatar is not None:
        yield "avatar.webp", avatar
    for rows in _pages(Attachment, and_(Attachment.user_id == user_id, IS_READY)):
        for row in rows:
            yield f"attachments/{row.id}-{_safe(row.filename)}", row.storage_key


def _safe(filename: str) -> str:
    """Return *filename* as a name that every system can unpack, without leaving its folder."""
    return _UNSAFE.sub("_", filename).strip(". ")


def _fields(*names: str) -> Callable[[Any], Row]:
    return lambda row: {name: getattr(row, name) for name in names}


@dataclass(frozen=True)
class Part:
    """An array of the document: the rows of *model* whose column *owner* is the user, serialised, with names added."""

    name: str
    model: Any
    owner: str
    serialise: Callable[[Any], Row]
    complete: Callable[[Names, list[Row]], None] | None = None
    condition: Callable[[], ColumnElement[bool]] = true


SESSION_FIELDS = _fields("id", "device_info", "ip_address", "is_active", "created_at", "last_seen_at", "expires_at")
ENTRY_FIELDS = _fields("conversation_id", "last_read_seq", "is_muted", "is_pinned", "created_at")
MEMBERSHIP_FIELDS = _fields("room_id", "is_admin", "is_banned", "joined_at", "left_at")

PARTS = (
    Part("sessions", UserSession, "user_id", SESSION_FIELDS),
    Part("api_tokens", ApiToken, "user_id", token_json),
    Part("blocks", Block, "user_id", _fields("blocked_id", "created_at"), Names.add_to_blocks),
    Part(
        "conversations",
        ConversationEntry,
        "user_id",
        ENTRY_FIELDS,
        Names.add_to_conversations,
        condition=lambda: is_served(ConversationEntry.conversation_id),
    ),
    Part("rooms", RoomMembership, "user_id", MEMBERSHIP_FIELDS, Names.add_to_rooms),
    Part("reactions", Reaction, "user_id", _fields("message_id", "emoji", "created_at")),
    Part("mentions", MessageMention, "user_id", _fields("message_id", "conversation_id", "created_at")),
    Part("pins", Pin, "pinned_by_id", _fields("message_id", "conversation_id", "created_at")),
    Part("attachments", Attachment, "user_id", attachment_json, condition=lambda: IS_READY),
    Part("reports", Report, "reporter_id", own_report_json),
    Part("security_events", AuditEvent, "actor_id", event_json, Names.note_events),
)
"""The arrays of the document besides the messages and their former versions."""
