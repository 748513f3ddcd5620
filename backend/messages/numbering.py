"""The writer of a batch of sends: it numbers the accepted drafts and writes them all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, update

from backend.attachments.serialise import attachment_json
from backend.errors import ChatError, NotFound
from backend.events import Event, message_event
from backend.messages.batch_sql import HEAD, MENTION, Batch, NewRows
from backend.messages.drafts import Draft, Sent
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.mentions import visible_mentions
from backend.messages.send_context import SendContext
from backend.messages.serialise import INITIAL_VALUES, as_sent, messages_json, new_message_json
from backend.messages.validation import (
    AttachmentSent,
    IdempotencyConflict,
    check_access,
    mentions_room,
    validate_draft,
)
from backend.models import Message
from backend.models.base import utcnow
from backend.rooms.access import NotAMember
from backend.search.documents import Document

_messages = cast(Table, Message.__table__)


@dataclass(slots=True)
class NewMessage:
    """A message of this batch: its row, the users that it mentions, its attachments, and the object that other users see."""

    row: dict[str, Any]
    mentions: list[int]
    attachments: list[Row[Any]]
    message: dict[str, Any]

    @property
    def document(self) -> Document:
        """What search finds of it."""
        filenames = [attachment.filename for attachment in self.attachments]
        return Document(self.row["id"], self.row["conversation_id"], self.row["content"], filenames)

    def sent(self, is_new: bool = True) -> Sent:
        """The message as its sender sees it."""
        key = self.row["client_message_id"]
        return Sent({**self.message, "client_message_id": key} if key else self.message, is_new)


@dataclass(slots=True)
class Head:
    """A locked conversation: its last numbers, and the messages and replies that this batch adds."""

    last_seq: int
    last_modseq: int
    last_message_at: datetime | None
    new_messages: list[NewMessage] = field(default_factory=list)
    replies: Counter[int] = field(default_factory=Counter)

    def allocate_modseq(self) -> int:
        """The number of the next change."""
        self.last_modseq += 1
        return self.last_modseq


class BatchWriter:
    """Numbers the drafts of one batch, and writes them all at once."""

    def __init__(self, batch: Batch, context: SendContext):
        self._batch = batch
        self._context = context
        self._heads = {id_: Head(seq, modseq, at) for id_, seq, modseq, at in context.heads}
        self._ids = iter(context.ids)
        self._now = utcnow()
        self._by_key: dict[tuple[int, str], NewMessage] = {}
        self._sent_attachments: set[int] = set()
        self._parent_events: list[Event] = []

    def accept(self, draft: Draft) -> Sent | ChatError:
        """The message that `flush` writes for *draft*, the message of an earlier send, or the reason for refusing it."""
        key = (draft.sender_id, draft.client_message_id or "")
        try:
            if draft.client_message_id and (earlier := self._context.earlier.get(key)):
                _check_repeat(draft, earlier)
                return Sent(self._repeat(draft, earlier), is_new=False)
            if draft.client_message_id and (in_batch := self._by_key.get(key)):
                if in_batch.row["request_hash"] != draft.request_hash:
                    raise IdempotencyConflict
                return in_batch.sent(is_new=False)
            validate_draft(draft, self._context)
            if not self._sent_attachments.isdisjoint(draft.attachment_ids):
                raise AttachmentSent
        except ChatError as refusal:
            return refusal
        new = self._number(draft)
        if draft.client_message_id:
            self._by_key[key] = new
        return new.sent()

    def _repeat(self, draft: Draft, earlier: Row[Any]) -> dict[str, Any]:
        """The message that was sent before, in its present state. Raises TokenRevoked.

        A sender who may not see the conversation any more gets its first state instead: they may not know how others changed it
        since. Its modseq is then its seq, because the first modseq is not stored and cannot be smaller. Files and mentions are
        those that it still has: a deletion erases them, and what was erased is shown to nobody.
        """
        try:
            check_access(draft, self._context)
        except (NotFound, NotAMember):
            values = {**earlier._mapping, **INITIAL_VALUES, "content": draft.content, "modseq": earlier.seq}
            row = [values[column.name] for column in MESSAGE_COLUMNS]
            return as_sent(messages_json([row], draft.sender_id, self._batch.connection)[0])
        return messages_json([earlier], draft.sender_id, self._batch.connection)[0]

    def _number(self, draft: Draft) -> NewMessage:
        head = self._heads[draft.place.conversation_id]
        head.last_seq += 1
        at = max(self._now, head.last_message_at or self._now)  # clocks of two workers may differ; order must not
        head.last_message_at = at
        named = self._context.named.get(draft.content, [])
        context = self._context
        mentions = visible_mentions(draft.place, draft.sender_id, named, context.members, context.visible)
        attachments = [self._context.attachments[id_] for id_ in draft.attachment_ids]
        self._sent_attachments.update(draft.attachment_ids)
        row = {
            "id": next(self._ids),
            "conversation_id": draft.place.conversation_id,
            "seq": head.last_seq,
            "modseq": head.allocate_modseq(),
            "sender_id": draft.sender_id,
            "recipient_id": draft.place.peer_id,
            "room_id": draft.place.room_id,
            "parent_id": draft.parent_id,
            "content": draft.content,
            "mentions_room": mentions_room(draft, self._context),
            "client_message_id": draft.client_message_id,
            "request_hash": draft.request_hash if draft.client_message_id else None,
            "has_extras": bool(mentions or attachments),
            "created_at": at,
            "updated_at": at,
        }
        shown = [attachment_json(attachment) for attachment in attachments]
        new = NewMessage(row, mentions, attachments, new_message_json(row, mentions=mentions, attachments=shown))
        head.new_messages.append(new)
        if draft.parent_id is not None:
            head.replies[draft.parent_id] += 1
        return new

    def flush(self) -> None:
        """Write the rows, the new reply counts of parents and the new heads of conversations."""
        changed = {id_: head for id_, head in self._heads.items() if head.new_messages}
        if not changed:
            return
        new_messages = [new for head in changed.values() for new in head.new_messages]
        parents = [
            (parent_id, count, head.allocate_modseq())  # one change, and one number, however many replies
            for head in changed.values()
            for parent_id, count in sorted(head.replies.items())
        ]
        heads = [
            dict(zip(HEAD, (id_, head.last_seq, head.last_modseq, head.last_message_at, self._now), strict=True))
            for id_, head in changed.items()
        ]
        self._count_replies(parents)
        mentions = [
            {"message_id": new.row["id"], "user_id": user_id} | {name: new.row[name] for name in MENTION[2:]}
            for new in new_messages
            for user_id in new.mentions
        ]
        attachments = [
            {"id": attachment.id, "message_id": new.row["id"], "position": position}
            for new in new_messages
            for position, attachment in enumerate(new.attachments)
        ]
        documents = [new.document for new in new_messages]
        rows = [new.row for new in new_messages]
        self._batch.write(NewRows(rows, mentions, heads, documents, attachments))

    def _count_replies(self, parents: Sequence[tuple[int, int, int]]) -> None:
        """Add the new replies of *parents*: for each its id, their number, and the modseq of the change."""
        c, rows = _messages.c, []
        for parent_id, count, modseq in parents:
            values = {"reply_count": c.reply_count + count, "modseq": modseq, "updated_at": self._now}
            statement = update(_messages).where(c.id == parent_id).values(values).returning(*MESSAGE_COLUMNS)
            rows.append(self._batch.connection.execute(statement).one())
        messages = messages_json(rows, None, self._batch.connection)
        keys = [row.client_message_id for row in rows]
        self._parent_events = [message_event("message.updated", m, key) for m, key in zip(messages, keys, strict=True)]

    def events(self) -> list[Event]:
        """The events of this batch, in the order of each conversation."""
        new_messages = [new for head in self._heads.values() for new in head.new_messages]
        created = [message_event("message.created", n.message, n.row["client_message_id"]) for n in new_messages]
        return created + self._parent_events


def _check_repeat(draft: Draft, earlier: Row[Any]) -> None:
    """Raise IdempotencyConflict if *draft* does not repeat the message *earlier*.

    A hard deletion erases the hash of the content. Then only the conversation and the parent are compared.
    """
    if earlier.request_hash is not None:
        is_same = earlier.request_hash == draft.request_hash
    else:
        place = (draft.place.conversation_id, draft.parent_id)
        is_same = (earlier.conversation_id, earlier.parent_id) == place
    if not is_same:
        raise IdempotencyConflict
