"""Contacts: users who share a room or a direct conversation. The lobby, which everybody shares, does not count.

A user who blocks another is never shown to them as online (`watchers`, `watched`). The blocked user stays visible to the blocker.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, bindparam, case, exists, func, or_, select
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
    .where(_mine.conversation_id != LOBBY)
)
_shared_since = func.min(case((_mine.id > _theirs.id, _mine.id), else_=_theirs.id))
_select_shared_since = _select_pairs.add_columns(_shared_since).group_by(_mine.user_id, _theirs.user_id)
_select_pairs = _select_pairs.distinct()
_select_watchers, _select_watched = (
    _select_pairs.where(~exists().where(Block.user_id == subject.user_id, Block.blocked_id == watcher.user_id))
    for subject, watcher in ((_mine, _theirs), (_theirs, _mine))
)


def shared_contacts(of: Collection[int], among: Collection[int]) -> dict[int, set[int]]:
    """For each user in *of*, the users in *among* who share a conversation with them."""
    if len(of) > len(among):
        return _inverted(_find(_select_pairs, among, of))
    return _find(_select_pairs, of, among)


def shared_since(of: Collection[int]) -> dict[tuple[int, int], int]:
    """For each pair of a user in *of* and one who shares a conversation with them: since when they do.

    That is the higher id of the two inbox rows of the first conversation that they share. Ids rise in the order in which rows
    are inserted, so all readers agree on which conversation is the first.
    """
    found = db.session.execute(_select_shared_since, {"of": list(of)})
    return {(user_id, other_id): row_id for user_id, other_id, row_id in found}


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
    return {other_id for _, other_id in db.session.execute(_select_pairs, {"of": [user_id]})}


def blocks_of(user_ids: Collection[int]) -> set[tuple[int, int]]:
    """The blocks by and of *user_ids*, as (blocker, blocked) pairs."""
    either = or_(Block.user_id.in_(user_ids), Block.blocked_id.in_(user_ids))
    found = db.session.execute(select(Block.user_id, Block.blocked_id).where(either))
    return {(user_id, blocked_id) for user_id, blocked_id in found}


def _find(pairs: Select[int, int], of: Collection[int], among: Collection[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for user_id, other_id in db.session.execute(pairs, {"of": list(of)}):
        if other_id in among:
            found.setdefault(user_id, set()).add(other_id)
    return found


def _inverted(pairs: dict[int, set[int]]) -> dict[int, set[int]]:
    inverted: dict[int, set[int]] = {}
    for other_id, known in pairs.items():
        for user_id in known:
            inverted.setdefault(user_id, set()).add(other_id)
    return inverted
