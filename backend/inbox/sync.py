"""Synchronisation: everything that changed since a client's last one. The idea is that of CONDSTORE and QRESYNC (RFC 7162).

An answer is limited in bytes, not only in messages. It is built conversation by conversation until it is full, and the client
asks again for the rest. Changes are read in groups of a few hundred, so the cost of an answer does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import or_, select

from backend.inbox.sync_changes import Changes, load_changes
from backend.messages.access import is_open_to
from backend.models import Conversation, ConversationEntry, User
from backend.models.base import db

PAGE = 200
"""At most this many messages of one conversation are in an answer, and as many members if there are messages too."""

MEMBERS_ONLY_PAGE = 2_000
"""At most this many members of one conversation are in an answer without messages of it. About as many fit into an answer."""

TOTAL = 4_000
"""The approximate number of messages in an answer. With many conversations each gets a smaller page, and is truncated."""

MAX_BYTES = 1024 * 1024
"""The approximate limit of an answer to /sync."""

GROUP_CHANGES, GROUP_CONVERSATIONS = 400, 200
"""How much is read at once. Changes that do not fit are read in vain, so a group is not much larger than an answer."""

IN_ONE_QUERY = 500
"""Conversations in one statement. SQLite refuses an expression of more than 1,000 terms."""

_c, _e = Conversation.__table__.c, ConversationEntry.__table__.c


@dataclass
class SyncPage:
    """A page of an answer. `next` has the modseqs from which the next page continues; it is empty on the last page.

    `has_left_out_changes` is true if a changed conversation is in `next` and not in `conversations`.
    """

    conversations: list[dict[str, Any]] = field(default_factory=list)
    next: dict[str, int] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    has_left_out_changes: bool = False


def sync(user: User, seen: Mapping[str, int]) -> dict[str, Any]:
    """The changes in *user*'s conversations since the modseqs in *seen*. Those not in *seen* come from the start.

    Ids in *seen* that the user may not read (any more) come back as `gone`. Changed conversations come first. If some of them do
    not fit, at least one row is marked as truncated, so that the client asks again. Unchanged ones that do not fit are left out.
    """
    page = sync_page(user, seen, MAX_BYTES)
    rows = page.conversations
    if page.has_left_out_changes and not any(row["truncated"] for row in rows):
        last = next((row for row in reversed(rows) if row["messages"]), rows[-1])
        last["truncated"] = True
    return {"conversations": rows, "gone": page.gone}


def sync_page(user: User, seen: Mapping[str, int], max_bytes: int, only: Collection[str] | None = None) -> SyncPage:
    """The first page of the answer, of about *max_bytes*, with one change at least.

    *only* restricts it to these conversations, for the further pages of an answer. The heads are read first, and later changes
    are not part of the answer: the next call finds them.
    """
    heads = _heads(user, only)
    since = {id_: min(seen.get(id_, 0), head) for id_, head in heads.items()}
    changed = [id_ for id_ in heads if heads[id_] > since[id_]]
    unchanged = [id_ for id_ in heads if heads[id_] <= since[id_]]
    size = max(10, min(PAGE, TOTAL // max(1, len(changed))))
    page = SyncPage(gone=sorted(seen.keys() - heads.keys()) if only is None else [])
    ordered, free = [*changed, *unchanged], max_bytes
    weights = [min(heads[id_] - since[id_], size) for id_ in ordered]
    for start, end in _groups(weights):
        found = load_changes(user, {id_: since[id_] for id_ in ordered[start:end]}, size)
        for place in range(start, end):
            changes = found.get(ordered[place])
            if changes is not None and changes.is_truncated and not changes.messages:
                changes = load_changes(user, {ordered[place]: since[ordered[place]]}, size, MEMBERS_ONLY_PAGE).get(
                    ordered[place]
                )
            if changes is None:
                continue  # the user left it after the heads were read
            filled = _fill(changes, free, is_first=not page.conversations)
            if filled.row is not None:
                free -= filled.size
                page.conversations.append(filled.row)
                if filled.row["truncated"]:
                    page.next[filled.row["id"]] = _last_modseq(filled.row)
            if filled.is_full:
                left = place + (filled.row is not None)
                page.next |= {id_: since[id_] for id_ in ordered[left:]}
                page.has_left_out_changes = left < len(changed)
                return page
    return page


def _heads(user: User, only: Collection[str] | None) -> dict[str, int]:
    """The last modseqs of the conversations that *user* may read, the most recent activity first."""
    statement = (
        select(_c.id, _c.last_modseq)
        .join(ConversationEntry, _e.conversation_id == _c.id)
        .where(_e.user_id == user.id, is_open_to(user.id), or_(_c.kind != "dm", _c.last_seq > 0))
        .order_by(_c.last_message_at.is_(None), _c.last_message_at.desc(), _c.id)
    )
    if only is None:
        return dict(db.session.execute(statement).all())
    heads: dict[str, int] = {}
    names = list(only)
    for start in range(0, len(names), IN_ONE_QUERY):
        some = statement.where(_c.id.in_(names[start : start + IN_ONE_QUERY]))
        heads |= dict(db.session.execute(some).all())
    return heads


def _groups(weights: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Slices of a list, as (start, end). Each has few members and little total weight, or a single member."""
    start, weight = 0, 0
    for place, own in enumerate(weights):
        if place > start and (weight + own > GROUP_CHANGES or place - start >= GROUP_CONVERSATIONS):
            yield start, place
            start, weight = place, 0
        weight += own
    if start < len(weights):
        yield start, len(weights)


@dataclass(frozen=True)
class _FilledRow:
    """A conversation's row of the answer with its *size* in bytes. `row` is None if no change fitted."""

    row: dict[str, Any] | None
    size: int = 0
    is_full: bool = False
    """Whether the answer has no room for further conversations."""


def _fill(changes: Changes, free: int, *, is_first: bool) -> _FilledRow:
    """The row of a conversation with as many of its changes as fit into *free* bytes.

    The first change of the first conversation of an answer is included even if it does not fit.
    """
    row: dict[str, Any] = {**changes.head, "messages": [], "members": [], "truncated": changes.is_truncated}
    cost = len(orjson.dumps(row))
    for number, (kind, change) in enumerate(changes.ordered()):
        size = len(orjson.dumps(change)) + 1
        if cost + size > free and (number or not is_first):
            row["truncated"] = True
            return _FilledRow(row, cost, is_full=True) if number else _FilledRow(None, is_full=True)
        row[kind].append(change)
        cost += size
    return _FilledRow(row, cost) if cost <= free or is_first else _FilledRow(None, is_full=True)


def _last_modseq(row: dict[str, Any]) -> int:
    return max(change["modseq"] for kind in ("messages", "members") for change in row[kind])
