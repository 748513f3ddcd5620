"""The append service: the only way that a message comes into being.

What waits in one worker is written in one transaction (group commit). The transaction first locks the conversations that it
writes to, in one order everywhere, and only then looks at anything that others may change: membership, blocks, parents,
earlier sends. So `seq` and `modseq` are given in commit order without gaps, and a send is ordered against a removal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, cast

from flask import current_app
from sqlalchemy import Connection, Table, bindparam, exc, insert, select, update

from backend.combine import Combiner
from backend.counts import COUNTS
from backend.database import is_unavailable
from backend.errors import ChatError, Unavailable
from backend.messages.access import Place
from backend.messages.checks import Checks, IdempotencyConflict
from backend.messages.direct import open_direct
from backend.messages.drafts import Draft, Sent
from backend.messages.mentions import mentioned_ids
from backend.messages.serialise import MESSAGE_COLUMNS, message_json, messages_json
from backend.models import Conversation, Message, MessageMention
from backend.models.base import db, utcnow
from backend.realtime.events import Event, message_event, publish

MOST_IN_A_BATCH = 100
ATTEMPTS = 4

UNTOUCHED = {"edited_at": None, "deleted_at": None, "is_read": False, "reply_count": 0, "is_pinned": False}
"""What a new message has not been through yet."""

_messages = cast(Table, Message.__table__)
_conversations = cast(Table, Conversation.__table__)
_mentions = cast(Table, MessageMention.__table__)

# Made once: to build a statement anew takes about as long as to execute it.
_LOCK = (
    select(*(_conversations.c[name] for name in ("id", "last_seq", "last_modseq", "last_message_at")))
    .where(_conversations.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_conversations.c.id)
    .with_for_update(key_share=True)  # as strong as _MOVE_HEAD, and no obstacle to foreign keys
)
_INSERT = insert(_messages).returning(_messages.c.conversation_id, _messages.c.seq, _messages.c.id)
_MOVE_HEAD = (
    update(_conversations)
    .where(_conversations.c.id == bindparam("of"))
    .values(last_seq=bindparam("seq"), last_modseq=bindparam("mod"), last_message_at=bindparam("at"))
)


@dataclass
class _Head:
    """A locked conversation: the numbers it gave out last, and the messages that join it now."""

    last_seq: int
    last_modseq: int
    last_message_at: datetime | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    replies: dict[int, list[int]] = field(default_factory=dict)


def append_message(draft: Draft) -> Sent:
    """Append one message, together with whatever else waits in this worker.

    Returns after the commit. Raises what `append_messages` returns for a draft.
    """
    result = append_together([draft])[0]
    if isinstance(result, Exception):
        raise result
    return result


def append_together(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    """Like `append_messages`, in one transaction with whatever else waits in this worker."""
    combiner: Combiner[Sequence[Draft], list[Sent | Exception]] | None = current_app.extensions.get("confab-append")
    if combiner is None:
        combiner = current_app.extensions["confab-append"] = Combiner(
            _append_all, most=MOST_IN_A_BATCH, spreads=is_unavailable
        )
    return combiner(drafts)


def _append_all(groups: list[Sequence[Draft]]) -> list[list[Sent | Exception]]:
    results = iter(append_messages([draft for group in groups for draft in group]))
    return [[next(results) for _ in group] for group in groups]


def append_messages(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    """Append *drafts* in their order, in one transaction; returns for each what was sent, or why not.

    A refusal (NotFound, NotAMember, Blocked, IdempotencyConflict, ValidationFailed) concerns its own draft alone.
    """
    for attempt in range(ATTEMPTS):
        try:
            with db.engine.begin() as connection:
                results, events = _append(connection, drafts)
        except _Unopened as unopened:
            open_direct(unopened.places)
        except exc.IntegrityError:
            # Another worker committed the same client_message_id, or a row we refer to went: the next look sees it.
            if len(drafts) > 1:
                return [result for draft in drafts for result in append_messages([draft])]
            if attempt == ATTEMPTS - 1:
                raise
        else:
            COUNTS["messages"] += sum(isinstance(result, Sent) and result.is_new for result in results)
            publish(events)
            return results
    raise Unavailable


class _Unopened(Exception):
    """Direct conversations that do not exist yet. They are opened in transactions of their own, locking nothing else."""

    def __init__(self, places: list[tuple[int, Place]]):
        self.places = places


def _append(connection: Connection, drafts: Sequence[Draft]) -> tuple[list[Sent | Exception], list[Event]]:
    heads = _lock(connection, {draft.place.conversation_id for draft in drafts})
    checks = Checks(connection, drafts)
    unopened = [
        (draft.sender_id, draft.place)
        for draft in drafts
        if draft.place.kind == "dm" and draft.place.conversation_id not in heads and checks.is_allowed(draft)
    ]
    if unopened:
        raise _Unopened(unopened)
    write = _Write(connection, heads, checks)
    results = [write.take(draft) for draft in drafts]
    write.flush()
    return [result() if isinstance(result, partial) else result for result in results], write.events()


def _lock(connection: Connection, ids: set[str]) -> dict[str, _Head]:
    """Lock the conversations in the order of their ids, so that two batches never wait for each other in a circle."""
    rows = connection.execute(_LOCK, {"ids": sorted(ids)})
    return {row.id: _Head(row.last_seq, row.last_modseq, row.last_message_at) for row in rows}


class _Write:
    """Gives numbers to the drafts of one batch and writes them all at once."""

    def __init__(self, connection: Connection, heads: dict[str, _Head], checks: Checks):
        self.connection = connection
        self.heads = heads
        self.checks = checks
        self.now = utcnow()
        self.keyed: dict[tuple[int, str], tuple[str, dict[str, Any]]] = {}
        self.ids: dict[tuple[str, int], int] = {}
        self.mentions: dict[tuple[str, int], list[int]] = {}
        self.parents: list[Any] = []

    def take(self, draft: Draft) -> Any:
        """The refusal of *draft*, or a promise of its result, to be called after `flush`."""
        key = (draft.sender_id, draft.client_message_id or "")
        try:
            if draft.client_message_id and (earlier := self.checks.earlier.get(key)):
                self._check_same(draft, earlier.request_hash)
                return partial(self._repeated, earlier[: len(MESSAGE_COLUMNS)])
            if draft.client_message_id and key in self.keyed:
                digest, row = self.keyed[key]
                self._check_same(draft, digest)
                return partial(self._sent, row, False)
            self.checks.check(draft)
        except ChatError as refusal:
            return refusal
        row = self._number(draft)
        if draft.client_message_id:
            self.keyed[key] = (row["request_hash"], row)
        return partial(self._sent, row, True)

    @staticmethod
    def _check_same(draft: Draft, digest: str | None) -> None:
        if digest is not None and digest != draft.request_hash:
            raise IdempotencyConflict

    def _number(self, draft: Draft) -> dict[str, Any]:
        head = self.heads[draft.place.conversation_id]
        head.last_seq += 1
        head.last_modseq += 1
        at = max(self.now, head.last_message_at or self.now)  # clocks of two workers may differ; order must not
        head.last_message_at = at
        named = self.checks.named
        mentions = mentioned_ids(draft.content, named, self.checks.audience(draft)) if named else []
        row = {
            "conversation_id": draft.place.conversation_id,
            "seq": head.last_seq,
            "modseq": head.last_modseq,
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
        head.rows.append(row | {"mentions": mentions})
        if draft.parent_id is not None:
            head.last_modseq += 1
            head.replies.setdefault(draft.parent_id, []).append(head.last_modseq)
        return row

    def flush(self) -> None:
        """Write the rows, the parents' new reply counts and the conversations' new heads."""
        changed = {id_: head for id_, head in self.heads.items() if head.rows}
        if not changed:
            return
        entries = [row for head in changed.values() for row in head.rows]
        rows = [{k: v for k, v in entry.items() if k != "mentions"} for entry in entries]
        self.ids = {(conv, seq): id_ for conv, seq, id_ in self.connection.execute(_INSERT, rows)}
        self._write_mentions(entries)
        self.parents = self._write_replies(changed.values())
        self._write_heads(changed)
        self.mentions = {(e["conversation_id"], e["seq"]): e["mentions"] for e in entries}

    def _write_mentions(self, entries: Iterable[dict[str, Any]]) -> None:
        rows = [
            {
                "message_id": self.ids[entry["conversation_id"], entry["seq"]],
                "user_id": user_id,
                "conversation_id": entry["conversation_id"],
                "seq": entry["seq"],
            }
            for entry in entries
            for user_id in entry["mentions"]
        ]
        if rows:
            self.connection.execute(insert(_mentions), rows)

    def _write_replies(self, heads: Iterable[_Head]) -> list[Any]:
        """Count the replies of their parents, and return the parents' rows as they are now."""
        c, parents = _messages.c, []
        for head in heads:
            for parent_id, modseqs in sorted(head.replies.items()):
                values = {"reply_count": c.reply_count + len(modseqs), "modseq": modseqs[-1], "updated_at": self.now}
                statement = update(_messages).where(c.id == parent_id).values(values).returning(*MESSAGE_COLUMNS)
                parents.append(self.connection.execute(statement).one())
        return parents

    def _write_heads(self, changed: dict[str, _Head]) -> None:
        heads = [
            {"of": id_, "seq": head.last_seq, "mod": head.last_modseq, "at": head.last_message_at}
            for id_, head in sorted(changed.items())
        ]
        self.connection.execute(_MOVE_HEAD, heads)

    def events(self) -> list[Event]:
        """What others are to hear of this batch, in the order of each conversation."""
        events = []
        for row in (row for head in self.heads.values() for row in head.rows):
            message = self._message(row) | {"client_message_id": None}
            events.append(message_event("message.created", message, row["client_message_id"]))
        keys = [row.client_message_id for row in self.parents]
        for message, key in zip(messages_json(self.parents, None, self.connection), keys, strict=True):
            events.append(message_event("message.updated", message, key))
        return events

    def _sent(self, row: dict[str, Any], is_new: bool) -> Sent:
        return Sent(self._message(row), is_new)

    def _message(self, row: dict[str, Any]) -> dict[str, Any]:
        place = (row["conversation_id"], row["seq"])
        values = UNTOUCHED | row | {"id": self.ids[place]}
        message = message_json([values[column.name] for column in MESSAGE_COLUMNS], row["sender_id"])
        del message["has_extras"]
        message["mentions"] = self.mentions[place]
        return message

    def _repeated(self, row: Sequence[Any]) -> Sent:
        sender_id = row[4]
        return Sent(messages_json([row], sender_id, self.connection)[0], is_new=False)
