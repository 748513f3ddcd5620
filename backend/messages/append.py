"""The append service: the only way that a message comes into being.

What waits in one worker is written in one transaction (group commit). The transaction first locks the conversations that it
writes to, in one order everywhere, and only then looks at anything that others may change: membership, blocks, parents,
earlier sends. So `seq` and `modseq` are given in commit order without gaps, and a send is ordered against a removal.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from flask import current_app
from sqlalchemy import Row, Table, exc, update

from backend.combine import Combiner
from backend.counts import COUNTS
from backend.database import is_unavailable
from backend.errors import ChatError, NotFound, Unavailable
from backend.messages.access import Place
from backend.messages.checks import Checks, IdempotencyConflict
from backend.messages.direct import open_direct
from backend.messages.drafts import Draft, Sent
from backend.messages.rows import HEAD, MENTION, Batch, begin_batch
from backend.messages.serialise import MESSAGE_COLUMNS, UNTOUCHED, messages_json, new_message_json
from backend.models import Message
from backend.models.base import db, utcnow
from backend.realtime.events import Event, message_event, publish
from backend.rooms.access import NotAMember

log = logging.getLogger("confab.messages")

MOST_IN_A_BATCH = 100
ATTEMPTS = 4

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
class _Head:
    """A locked conversation: the numbers it gave out last, and the messages that join it now."""

    last_seq: int
    last_modseq: int
    last_message_at: datetime | None
    news: list[_New] = field(default_factory=list)
    replies: Counter[int] = field(default_factory=Counter)

    def take_modseq(self) -> int:
        """The next number of a change."""
        self.last_modseq += 1
        return self.last_modseq


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

    A refusal (NotFound, NotAMember, Blocked, IdempotencyConflict, ValidationFailed) concerns its own draft alone. So does any
    other failure: each draft is then tried by itself, and what fails again is returned for that draft. Only where the database is
    away, all fail together, and the error of SQLAlchemy is raised.
    """
    try:
        return _append_together(drafts)
    except Exception as error:
        if is_unavailable(error):
            raise
        if len(drafts) == 1:
            log.exception("a message could not be written")
            return [error]
    return _append_one_by_one(drafts)


def _append_one_by_one(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    results: list[Sent | Exception] = []
    for draft in drafts:
        try:
            results += append_messages([draft])
        except Exception as error:  # noqa: BLE001  # the database went away: what was committed before stays acknowledged
            results += [error] * (len(drafts) - len(results))
            break
    return results


def _append_together(drafts: Sequence[Draft]) -> list[Sent | Exception]:
    """Append *drafts* in one transaction, or raise whatever went wrong."""
    for attempt in range(ATTEMPTS):
        try:
            with begin_batch(db.engine) as batch:
                results, events = _append(batch, drafts)
        except _Unopened as unopened:
            open_direct(unopened.places)
        except exc.IntegrityError:
            # Another worker committed the same client_message_id, or a row we refer to went: the next look sees it.
            if len(drafts) > 1 or attempt == ATTEMPTS - 1:
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


def _append(batch: Batch, drafts: Sequence[Draft]) -> tuple[list[Sent | Exception], list[Event]]:
    checks = Checks(batch, drafts)
    heads = {id_: _Head(seq, modseq, at) for id_, seq, modseq, at in checks.heads}
    unopened = [
        (draft.sender_id, draft.place)
        for draft in drafts
        if draft.place.kind == "dm" and draft.place.conversation_id not in heads and checks.is_allowed(draft)
    ]
    if unopened:
        raise _Unopened(unopened)
    write = _Write(batch, heads, checks)
    results: list[Sent | Exception] = [write.take(draft) for draft in drafts]
    write.flush()
    return results, write.events()


class _Write:
    """Gives numbers to the drafts of one batch and writes them all at once."""

    def __init__(self, batch: Batch, heads: dict[str, _Head], checks: Checks):
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
            if draft.client_message_id and (twin := self.keyed.get(key)):
                self._check_same(draft, twin.row["request_hash"])
                return twin.sent(is_new=False)
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
        row = earlier[: len(MESSAGE_COLUMNS)]
        try:
            self.checks.check_access(draft)
        except (NotFound, NotAMember):
            sent = dict(zip((column.name for column in MESSAGE_COLUMNS), row, strict=True))
            as_sent = {**sent, **UNTOUCHED, "content": draft.content, "modseq": earlier.seq, "has_extras": False}
            return {**new_message_json(as_sent, []), "client_message_id": draft.client_message_id}
        return messages_json([row], draft.sender_id, self.connection)[0]

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
            "modseq": head.take_modseq(),
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
        new = _New(row, mentions, new_message_json(row, mentions))
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
            (parent_id, count, head.take_modseq())  # one change, and one number, however many replies
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
        self.batch.write([new.row for new in news], mentions, heads)

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
