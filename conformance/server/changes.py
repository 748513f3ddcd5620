"""What changed since a modseq: the rows of `resumed` and /sync, and those of the inbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.server.accounts import User
from conformance.server.model import Conversation
from conformance.server.world import World


def inbox_row(world: World, user: User, conversation: Conversation) -> dict[str, Any]:
    """The row of *conversation* in the inbox of *user*."""
    member = conversation.members[user.id]
    row: dict[str, Any] = {
        "id": conversation.id,
        "kind": conversation.kind,
        "last_seq": conversation.last_seq,
        "last_modseq": conversation.last_modseq,
        "last_read_seq": member.last_read_seq,
        **conversation.counts(user.id),
        "last_message": conversation.messages[-1].json(user.id, conversation) if conversation.messages else None,
        "is_muted": member.is_muted,
        "is_pinned": member.is_pinned,
    }
    if conversation.kind == "room":
        row["room"] = conversation.room_json(user.id)
    elif conversation.kind == "dm":
        row["user"] = world.accounts.users[conversation.peer_id(user.id) or 0].json(user.id)
    return row


def changes_row(world: World, user: User, conversation: Conversation, since: int, size: int) -> dict[str, Any]:
    """The changes of *conversation* after the modseq *since*: at most *size* messages, and the members up to the last one."""
    changed = sorted((m for m in conversation.messages if m.modseq > since), key=lambda m: m.modseq)
    is_truncated = len(changed) > size
    shown = changed[:size]
    last = shown[-1].modseq if is_truncated else conversation.last_modseq
    members = [m for m in conversation.members.values() if since < m.modseq <= last and conversation.kind == "room"]
    return {
        "id": conversation.id,
        "last_seq": conversation.last_seq,
        "last_modseq": conversation.last_modseq,
        "last_read_seq": conversation.members[user.id].last_read_seq,
        "unread_count": conversation.counts(user.id)["unread_count"],
        "messages": [m.json(user.id, conversation) for m in shown],
        "members": [world.member_json(conversation, m, user.id) for m in sorted(members, key=lambda m: m.modseq)],
        "truncated": is_truncated,
    }


def last_modseq(row: dict[str, Any]) -> int:
    """The modseq that a client has seen after this row."""
    if not row["truncated"]:
        return int(row["last_modseq"])
    return max(item["modseq"] for item in [*row["messages"], *row["members"]])


def gone(world: World, user: User, seen: dict[str, int]) -> list[str]:
    """The conversations in *seen* that *user* may not see."""
    return sorted(seen.keys() - {c.id for c in world.conversations.values() if c.is_open_to(user.id)})


def pages(world: World, user: User, seen: dict[str, int], size: int) -> Iterator[tuple[list[dict[str, Any]], bool]]:
    """The pages of an answer to `resume`, each with about *size* messages; True with the last. Each is made when it is asked for.

    The conversations with changes come first. A conversation of which a page was the last continues with live events.
    """
    mine = world.conversations_of(user)
    ordered = sorted(mine, key=lambda c: c.last_modseq <= seen.get(c.id, 0))
    page: list[dict[str, Any]] = []
    free = size
    for conversation in ordered:
        since = min(seen.get(conversation.id, 0), conversation.last_modseq)
        while conversation.is_open_to(user.id):
            row = changes_row(world, user, conversation, since, free)
            since, free = last_modseq(row), free - len(row["messages"])
            page.append(row)
            if free <= 0:
                yield page, False
                page, free = [], size
            if not row["truncated"]:
                break
    yield page, True
