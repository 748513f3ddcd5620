"""Who may know of whom: users who share a room or a direct conversation. The lobby, which all share, does not count."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from backend.models import ConversationEntry
from backend.models.base import db
from backend.models.conversation import LOBBY

# Made once: it is asked for every socket that opens, and to make two aliases anew takes longer than the query, and leaves
# hundreds of objects that refer to each other.
_mine, _theirs = aliased(ConversationEntry), aliased(ConversationEntry)
_select_pairs = (
    select(_mine.user_id, _theirs.user_id)
    .join(_theirs, _theirs.conversation_id == _mine.conversation_id)
    .where(_mine.user_id.in_(bindparam("of", expanding=True)), _theirs.user_id != _mine.user_id)
    .where(_mine.conversation_id.not_in(bindparam("besides", expanding=True)))
    .distinct()
)


def acquaintances(of: Collection[int], among: Collection[int], besides: Collection[str] = ()) -> dict[int, set[int]]:
    """For each user in *of*, those *among* others who share a conversation with it, one *besides* those that are named."""
    if len(of) > len(among):
        return _turned(acquaintances(among, of, besides).items())
    found: dict[int, set[int]] = {}
    for user_id, other_id in db.session.execute(_select_pairs, {"of": list(of), "besides": [LOBBY, *besides]}):
        if other_id in among:
            found.setdefault(user_id, set()).add(other_id)
    return found


def acquainted_with(user_id: int) -> set[int]:
    """Everybody who shares a conversation with *user_id*."""
    return {other_id for _, other_id in db.session.execute(_select_pairs, {"of": [user_id], "besides": [LOBBY]})}


def _turned(pairs: Iterable[tuple[int, set[int]]]) -> dict[int, set[int]]:
    turned: dict[int, set[int]] = {}
    for other_id, known in pairs:
        for user_id in known:
            turned.setdefault(user_id, set()).add(other_id)
    return turned
