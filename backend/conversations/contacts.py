"""Contacts: users who share a room or a direct conversation. The lobby, which everybody shares, does not count.

A user who blocks another is never shown to them as online (`watchers`, `watched`). The blocked user stays visible to the blocker.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, bindparam, exists, or_, select
from sqlalchemy.orm import aliased

from backend.models import Block, ConversationEntry
from backend.models.base import db
from backend.models.conversation import LOBBY

# Built once, because it runs for every socket that opens. Building the two aliases takes longer than the query, and leaves
# hundreds of objects in reference cycles.
_mine, _theirs = aliased(ConversationEntry), aliased(ConversationEntry)
_select_pairs = (
    select(_mine.user_id, _theirs.user_id)
    .join(_theirs, _theirs.conversation_id == _mine.conversation_id)
    .where(_mine.user_id.in_(bindparam("of", expanding=True)), _theirs.user_id != _mine.user_id)
    .where(_mine.conversation_id.not_in(bindparam("besides", expanding=True)))
    .distinct()
)
_select_watchers, _select_watched = (
    _select_pairs.where(~exists().where(Block.user_id == subject.user_id, Block.blocked_id == watcher.user_id))
    for subject, watcher in ((_mine, _theirs), (_theirs, _mine))
)


def shared_contacts(of: Collection[int], among: Collection[int], besides: Collection[str] = ()) -> dict[int, set[int]]:
    """For each user in *of*, the users in *among* who share a conversation with them. Conversations in *besides* do not count."""
    if len(of) > len(among):
        return _inverted(_find(_select_pairs, among, of, besides))
    return _find(_select_pairs, of, among, besides)


def watchers(of: Collection[int], among: Collection[int]) -> dict[int, set[int]]:
    """For each user in *of*, the users in *among* who may know whether they are online."""
    if len(of) > len(among):
        return _inverted(_find(_select_watched, among, of))
    return _find(_select_watchers, of, among)


def watched(user_id: int, among: Collection[int]) -> set[int]:
    """The users in *among* of whom *user_id* may know whether they are online."""
    return _find(_select_watched, [user_id], among).get(user_id, set())


def contacts_of(user_id: int) -> set[int]:
    """All users who share a conversation with *user_id*."""
    return {other_id for _, other_id in db.session.execute(_select_pairs, {"of": [user_id], "besides": [LOBBY]})}


def blocks_of(user_ids: Collection[int]) -> set[tuple[int, int]]:
    """The blocks by and of *user_ids*, as (blocker, blocked) pairs."""
    either = or_(Block.user_id.in_(user_ids), Block.blocked_id.in_(user_ids))
    found = db.session.execute(select(Block.user_id, Block.blocked_id).where(either))
    return {(user_id, blocked_id) for user_id, blocked_id in found}


def _find(
    pairs: Select[int, int], of: Collection[int], among: Collection[int], besides: Collection[str] = ()
) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for user_id, other_id in db.session.execute(pairs, {"of": list(of), "besides": [LOBBY, *besides]}):
        if other_id in among:
            found.setdefault(user_id, set()).add(other_id)
    return found


def _inverted(pairs: dict[int, set[int]]) -> dict[int, set[int]]:
    inverted: dict[int, set[int]] = {}
    for other_id, known in pairs.items():
        for user_id in known:
            inverted.setdefault(user_id, set()).add(other_id)
    return inverted
