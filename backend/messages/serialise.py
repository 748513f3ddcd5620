"""The one shape of a message, for REST, socket, sync and export alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session, scoped_session

from backend.models import Attachment, Message, MessageMention, Reaction

MESSAGE_COLUMNS = tuple(
    Message.__table__.c[name]
    for name in (
        "id", "conversation_id", "seq", "modseq", "sender_id", "room_id", "recipient_id", "parent_id", "content",
        "created_at", "edited_at", "deleted_at", "is_read", "reply_count", "is_pinned", "has_extras",
        "client_message_id",
    )
)  # fmt: skip
"""What a row must hold to be serialised, in this order."""

Executor = Connection | Session | scoped_session[Any]


def messages_json(rows: Iterable[Sequence[Any]], viewer_id: int | None, executor: Executor) -> list[dict[str, Any]]:
    """Rows of `MESSAGE_COLUMNS` as *viewer_id* may see them. Takes at most three queries, however many rows there are."""
    messages = [message_json(row, viewer_id) for row in rows]
    rich = {message["id"]: message for message in messages if message.pop("has_extras")}
    if rich:
        _add_reactions(rich, executor)
        _add_attachments(rich, executor)
        _add_mentions(rich, executor)
    return messages


def message_json(row: Sequence[Any], viewer_id: int | None) -> dict[str, Any]:
    """One row without what hangs on it; `has_extras` tells the caller whether to look. A deleted one is a tombstone."""
    (
        id_, conversation_id, seq, modseq, sender_id, room_id, recipient_id, parent_id, content,
        created_at, edited_at, deleted_at, is_read, reply_count, is_pinned, has_extras, client_message_id,
    ) = row  # fmt: skip
    is_deleted = deleted_at is not None
    return {
        "id": id_,
        "conversation_id": conversation_id,
        "seq": seq,
        "modseq": modseq,
        "sender_id": sender_id,
        "room_id": room_id,
        "recipient_id": recipient_id,
        "parent_id": parent_id,
        "content": "" if is_deleted else content,
        "timestamp": created_at,
        "created_at": created_at,
        "edited_at": edited_at,
        "deleted_at": deleted_at,
        "is_read": is_read,
        "reactions": [],
        "attachments": [],
        "reply_count": reply_count,
        "mentions": [],
        "is_pinned": is_pinned,
        "client_message_id": client_message_id if sender_id == viewer_id else None,
        "has_extras": has_extras and not is_deleted,
    }


_ALONE = {"is_read": False, "reply_count": 0, "is_pinned": False}
UNTOUCHED = {"edited_at": None, "deleted_at": None, **_ALONE}
_NAMES = tuple(column.name for column in MESSAGE_COLUMNS)


def new_message_json(row: dict[str, Any], mentions: list[int]) -> dict[str, Any]:
    """A message that is about to be written as *row*, as others than its sender see it."""
    values = {**UNTOUCHED, **row}
    message = message_json([values[name] for name in _NAMES], None)
    del message["has_extras"]
    message["mentions"] = mentions
    return message


def as_sent(message: dict[str, Any]) -> dict[str, Any]:
    """A sender's own message before others did anything to it, where the sender's token may not read what they did."""
    return message | _ALONE | {"reactions": []}


def _add_reactions(messages: dict[int, dict[str, Any]], executor: Executor) -> None:
    statement = (
        select(Reaction.message_id, Reaction.emoji, Reaction.user_id)
        .where(Reaction.message_id.in_(messages))
        .order_by(Reaction.id)
    )
    reactors: dict[tuple[int, str], list[int]] = defaultdict(list)
    for message_id, emoji, user_id in executor.execute(statement):
        reactors[message_id, emoji].append(user_id)
    for (message_id, emoji), user_ids in reactors.items():
        messages[message_id]["reactions"].append({"emoji": emoji, "count": len(user_ids), "user_ids": user_ids})


def _add_attachments(messages: dict[int, dict[str, Any]], executor: Executor) -> None:
    columns = Attachment.__table__.c
    statement = select(Attachment.__table__).where(columns.message_id.in_(messages)).order_by(columns.id)
    for row in executor.execute(statement):
        messages[row.message_id]["attachments"].append(attachment_json(row))


def attachment_json(row: Any) -> dict[str, Any]:
    """The one shape of an attachment."""
    url = f"/api/chat/attachments/{row.id}"
    return {
        "id": row.id,
        "filename": row.filename,
        "content_type": row.content_type,
        "size": row.size,
        "url": url,
        "thumbnail_url": f"{url}?thumbnail=true" if row.thumbnail_key else None,
    }


def _add_mentions(messages: dict[int, dict[str, Any]], executor: Executor) -> None:
    statement = (
        select(MessageMention.message_id, MessageMention.user_id)
        .where(MessageMention.message_id.in_(messages))
        .order_by(MessageMention.id)
    )
    for message_id, user_id in executor.execute(statement):
        messages[message_id]["mentions"].append(user_id)
