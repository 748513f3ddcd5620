"""Catching up: everything that changed since a client last looked (RFC 7162, CONDSTORE and QRESYNC, in spirit).

An answer is bounded in bytes, not only in messages. It is built conversation by conversation, from groups that hold a few
hundred changes, until it is full; what does not fit is asked for again. So its cost does not grow with what there is.
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
"""The most messages of one conversation in an answer, and the most members, as long as there is a message among them."""

CROWD = 2_000
"""The most members where no message is among them: about as many as an answer holds."""

TOTAL = 4_000
"""About how many messages an answer holds in all: with many conversations each gets a smaller page, and is truncated."""

MAX_BYTES = 1024 * 1024
"""About how large an answer to /sync is at most."""

GROUP_CHANGES, GROUP_CONVERSATIONS = 400, 200
"""How much is read at once. What was read and does not fit is thrown away, so a group is not much larger than an answer."""

IN_ONE_QUERY = 500
"""Conversations in one statement: SQLite refuses an expression of more than 1,000 terms."""

_c, _e = Conversation.__table__.c, ConversationEntry.__table__.c


@dataclass
class SyncPage:
    """A part of an answer. `next` has the modseqs that the next page goes on from, and is empty where nothing is left.

    `has_left_out_changes` where a conversation that changed is in `next` and not in `conversations`.
    """

    conversations: list[dict[str, Any]] = field(default_factory=list)
    next: dict[str, int] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    has_left_out_changes: bool = False


def sync(user: User, seen: Mapping[str, int]) -> dict[str, Any]:
    """What changed in *user*'s conversations since the modseqs in *seen*; a conversation that it lacks was never seen.

    Names in *seen* that the user may not read (any more) come back as `gone`. Changed conversations come first. Where some of
    them do not fit, at least one that is answered counts as truncated, so the client asks again. Unchanged ones that do not fit
    are left out.
    """
    page = sync_page(user, seen, MAX_BYTES)
    rows = page.conversations
    if page.has_left_out_changes and not any(row["truncated"] for row in rows):
        last = next((row for row in reversed(rows) if row["messages"]), rows[-1])
        last["truncated"] = True
    return {"conversations": rows, "gone": page.gone}


def sync_page(user: User, seen: Mapping[str, int], max_bytes: int, only: Collection[str] | None = None) -> SyncPage:
    """As much of the answer as *max_bytes* hold, and a change at least.

    With *only*, nothing but these conversations is looked at: the further pages of an answer.

    The heads are read first and nothing behind them is answered, so a change that comes meanwhile is found by the next call.
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
                changes = load_changes(user, {ordered[place]: since[ordered[place]]}, size, CROWD).get(ordered[place])
            if changes is None:
                continue  # the user left it since the heads were read
            row, cost, is_full = _fill(changes, free, is_first=not page.conversations)
            if row is not None:
                free -= cost
                page.conversations.append(row)
                if row["truncated"]:
                    page.next[row["id"]] = _last_modseq(row)
            if is_full:
                left = place + (row is not None)
                page.next |= {id_: since[id_] for id_ in ordered[left:]}
                page.has_left_out_changes = left < len(changed)
                return page
    return page


def _heads(user: User, only: Collection[str] | None) -> dict[str, int]:
    """The last modseqs of the conversations that *user* may read, the one with the last activity first."""
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
    """Slices of a list, as (start, end), each with few members and, but for a single member, little weight."""
    start, weight = 0, 0
    for place, own in enumerate(weights):
        if place > start and (weight + own > GROUP_CHANGES or place - start >= GROUP_CONVERSATIONS):
            yield start, place
            start, weight = place, 0
        weight += own
    if start < len(weights):
        yield start, len(weights)


def _fill(changes: Changes, free: int, *, is_first: bool) -> tuple[dict[str, Any] | None, int, bool]:
    """The row of a conversation with as many of its changes as *free* bytes hold, its size, and whether the answer is full.

    None where not even the first change fits; of the first conversation of an answer it is taken all the same.
    """
    row: dict[str, Any] = {**changes.head, "messages": [], "members": [], "truncated": changes.is_truncated}
    cost = len(orjson.dumps(row))
    for number, (kind, change) in enumerate(changes.ordered()):
        size = len(orjson.dumps(change)) + 1
        if cost + size > free and (number or not is_first):
            row["truncated"] = True
            return (row, cost, True) if number else (None, 0, True)
        row[kind].append(change)
        cost += size
    return (row, cost, False) if cost <= free or is_first else (None, 0, True)


def _last_modseq(row: dict[str, Any]) -> int:
    return max(change["modseq"] for kind in ("messages", "members") for change in row[kind])
