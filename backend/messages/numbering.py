"""What becomes of the drafts of one batch: each gets its numbers, and all are written at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, update

from backend.errors import ChatError, NotFound
from backend.events import Event, message_event
from backend.messages.batch_sql import HEAD, MENTION, Batch
from backend.messages.drafts import Draft, Sent
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import INITIAL_VALUES, messages_json, new_message_json
from backend.messages.validation import Checks, IdempotencyConflict
from backend.models import Message
from backend.models.base import utcnow
from backend.rooms.access import NotAMember
from backend.search.documents import Document

_messages = cast(Table, Message.__table__)


@dataclass(slots=True)
class _New:
    """A message of this batch: its row, whom it names, and how others than its sender see it."""

    row: dict[str, Any]
    mentions: list[int]
    message: dict[str, Any]

    def sent(self, is_new: bool = True) -> Sent:
        """As its sender sees it."""
        key = self.row["client_message_id"]
        return Sent({**self.message, "client_message_id": key} if key else self.message, is_new)


@dataclass(slots=True)
class Head:
    """A locked conversation: the numbers it gave out last, and the messages that join it now."""

    last_seq: int
    last_modseq: int
    last_message_at: datetime | None
    news: list[_New] = field(default_factory=list)
    replies: Counter[int] = field(default_factory=Counter)

    def allocate_modseq(self) -> int:
        """The next number of a change."""
        self.last_modseq += 1
        return self.last_modseq


class BatchWriter:
    """Gives numbers to the drafts of one batch and writes them all at once."""

    def __init__(self, batch: Batch, heads: dict[str, Head], checks: Checks):
        self.batch = batch
        self.connection = batch.connection
        self.heads = heads
        self.checks = checks
        self.ids = iter(checks.ids)
        self.now = utcnow()
        self.keyed: dict[tuple[int, str], _New] = {}
        self.parents: list[Event] = []

    def take(self, draft: Draft) -> Sent | ChatError:
        """What becomes of *draft*, if `flush` succeeds."""
        key = (draft.sender_id, draft.client_message_id or "")
        try:
            if draft.client_message_id and (earlier := self.checks.earlier.get(key)):
                self._check_same(draft, earlier.request_hash)
                return Sent(self._repeat(draft, earlier), is_new=False)
            if draft.client_message_id and (in_batch := self.keyed.get(key)):
                self._check_same(draft, in_batch.row["request_hash"])
                return in_batch.sent(is_new=False)
            self.checks.check(draft)
        except ChatError as refusal:
            return refusal
        new = self._number(draft)
        if draft.client_message_id:
            self.keyed[key] = new
        return new.sent()

    def _repeat(self, draft: Draft, earlier: Row[Any]) -> dict[str, Any]:
        """The message that was sent before, as it is now. To a sender who may not see the conversation any more, as it was sent:

        what became of it since is not theirs to know. Its modseq is then its seq, which it was at least. Raises TokenRevoked.
        """
        try:
            self.checks.check_access(draft)
        except (NotFound, NotAMember):
            as_sent = {**earlier._mapping, **INITIAL_VALUES, "content": draft.content, "modseq": earlier.seq}
            return {**new_message_json(as_sent), "client_message_id": draft.client_message_id}
        return messages_json([earlier], draft.sender_id, self.connection)[0]

    @staticmethod
    def _check_same(draft: Draft, digest: str | None) -> None:
        if digest is not None and digest != draft.request_hash:
            raise IdempotencyConflict

    def _number(self, draft: Draft) -> _New:
        head = self.heads[draft.place.conversation_id]
        head.last_seq += 1
        at = max(self.now, head.last_message_at or self.now)  # clocks of two workers may differ; order must not
        head.last_message_at = at
        mentions = self.checks.mentions(draft)
        row = {
            "id": next(self.ids),
            "conversation_id": draft.place.conversation_id,
            "seq": head.last_seq,
            "modseq": head.allocate_modseq(),
            "sender_id": draft.sender_id,
            "recipient_id": draft.place.peer_id,
            "room_id": draft.place.room_id,
            "parent_id": draft.parent_id,
            "content": draft.content,
            "client_message_id": draft.client_message_id,
            "request_hash": draft.request_hash if draft.client_message_id else None,
            "has_extras": bool(mentions),
            "created_at": at,
            "updated_at": at,
        }
        new = _New(row, mentions, new_message_json(row, mentions=mentions))
        head.news.append(new)
        if draft.parent_id is not None:
            head.replies[draft.parent_id] += 1
        return new

    def flush(self) -> None:
        """Write the rows, the parents' new reply counts and the conversations' new heads."""
        changed = {id_: head for id_, head in self.heads.items() if head.news}
        if not changed:
            return
        news = [new for head in changed.values() for new in head.news]
        parents = [
            (parent_id, count, head.allocate_modseq())  # one change, and one number, however many replies
            for head in changed.values()
            for parent_id, count in sorted(head.replies.items())
        ]
        heads = [
            dict(zip(HEAD, (id_, head.last_seq, head.last_modseq, head.last_message_at, self.now), strict=True))
            for id_, head in changed.items()
        ]
        self._count_replies(parents)
        mentions = [
            {"message_id": new.row["id"], "user_id": user_id} | {name: new.row[name] for name in MENTION[2:]}
            for new in news
            for user_id in new.mentions
        ]
        documents = [Document(new.row["id"], new.row["conversation_id"], new.row["content"]) for new in news]
        self.batch.write([new.row for new in news], mentions, heads, documents)

    def _count_replies(self, parents: list[tuple[int, int, int]]) -> None:
        """Count the new replies of *parents*: each an id, how many, and the modseq of the change."""
        c, rows = _messages.c, []
        for parent_id, count, modseq in parents:
            values = {"reply_count": c.reply_count + count, "modseq": modseq, "updated_at": self.now}
            statement = update(_messages).where(c.id == parent_id).values(values).returning(*MESSAGE_COLUMNS)
            rows.append(self.connection.execute(statement).one())
        messages = messages_json(rows, None, self.connection)
        keys = [row.client_message_id for row in rows]
        self.parents = [message_event("message.updated", m, key) for m, key in zip(messages, keys, strict=True)]

    def events(self) -> list[Event]:
        """What others are to hear of this batch, in the order of each conversation."""
        news = [new for head in self.heads.values() for new in head.news]
        return [message_event("message.created", n.message, n.row["client_message_id"]) for n in news] + self.parents
