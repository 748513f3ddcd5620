"""A check of what a message's row says of other rows: replies, pin, and whether there are mentions, reactions or files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from backend.models import Attachment, Message, MessageMention, Pin, Reaction

_m, _n, _p = Message.__table__.c, MessageMention.__table__.c, Pin.__table__.c

MESSAGE_COLUMNS = (
    _m.id, _m.conversation_id, _m.seq, _m.modseq, _m.deleted_at, _m.mentions_room, _m.is_pinned, _m.has_extras,
    _m.reply_count,
)  # fmt: skip
"""The columns of the rows that `check_messages` takes."""


def check_messages(connection: Connection, rows: Sequence[Row[Any]]) -> list[str]:
    """Check the messages *rows* (`MESSAGE_COLUMNS`), and return a line for each fault. Takes a constant number of queries."""
    if not rows:
        return []
    ids = [row.id for row in rows]
    replies: dict[int | None, int] = dict(
        connection.execute(select(_m.parent_id, func.count()).where(_m.parent_id.in_(ids)).group_by(_m.parent_id)).all()
    )
    pins = dict(connection.execute(select(_p.message_id, _p.conversation_id).where(_p.message_id.in_(ids))).all())
    mentions = _mentions_of(connection, ids)
    rich = {*mentions, *_ids_with(connection, Reaction, ids), *_ids_with(connection, Attachment, ids)}
    return [
        f"{row.conversation_id}: message {row.seq} {fault}"
        for row in rows
        for fault in (
            *_row_faults(row, replies.get(row.id, 0), row.id in rich),
            *_pin_faults(row, pins.get(row.id)),
            *_mention_faults(row, mentions.get(row.id, [])),
        )
    ]


def _mentions_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    columns = (_n.message_id, _n.user_id, _n.conversation_id, _n.seq)
    statement: Select[Any] = select(*columns).where(_n.message_id.in_(ids)).order_by(_n.id)
    for row in connection.execute(statement):
        found[row.message_id].append(row)
    return found


def _ids_with(connection: Connection, model: type[Reaction] | type[Attachment], ids: Sequence[int]) -> list[int | None]:
    """Which of the messages have a reaction, or a file."""
    return list(connection.scalars(select(model.message_id).where(model.message_id.in_(ids)).distinct()))


def _row_faults(row: Row[Any], replies: int, is_rich: bool) -> Iterator[str]:
    if row.reply_count != replies:
        yield f"shows {row.reply_count} replies, but has {replies}"
    if is_rich and not row.has_extras:
        yield "has mentions, reactions or files, but has_extras is false"
    if row.deleted_at is not None and (is_rich or row.mentions_room):
        yield "is deleted, but has mentions, reactions or files"


def _pin_faults(row: Row[Any], pinned_in: str | None) -> Iterator[str]:
    if row.is_pinned and pinned_in is None:
        yield "is marked as pinned, but has no pin"
    if pinned_in is not None and not row.is_pinned:
        yield "has a pin, but is not marked as pinned"
    if pinned_in is not None and pinned_in != row.conversation_id:
        yield f"has a pin in {pinned_in}"


def _mention_faults(row: Row[Any], mentions: Sequence[Row[Any]]) -> Iterator[str]:
    for mention in mentions:
        if (mention.conversation_id, mention.seq) != (row.conversation_id, row.seq):
            yield f"mentions user {mention.user_id} in a row that names message {mention.seq} of {mention.conversation_id}"
