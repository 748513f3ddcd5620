"""Who may know of whom: users who share a room or a direct conversation. The lobby, which all share, does not count."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import aliased

from backend.models import ConversationEntry
from backend.models.base import db
from backend.models.conversation import LOBBY


def acquaintances(of: Collection[int], among: Collection[int], besides: Collection[str] = ()) -> dict[int, set[int]]:
    """For each user in *of*, those *among* others who share a conversation with it, one *besides* those that are named."""
    if len(of) > len(among):
        return _turned(acquaintances(among, of, besides).items())
    mine, theirs = aliased(ConversationEntry), aliased(ConversationEntry)
    statement = (
        select(mine.user_id, theirs.user_id)
        .join(theirs, theirs.conversation_id == mine.conversation_id)
        .where(mine.user_id.in_(of), theirs.user_id != mine.user_id, mine.conversation_id.not_in({LOBBY, *besides}))
        .distinct()
    )
    found: dict[int, set[int]] = {}
    for user_id, other_id in db.session.execute(statement):
        if other_id in among:
            found.setdefault(user_id, set()).add(other_id)
    return found


def _turned(pairs: Iterable[tuple[int, set[int]]]) -> dict[int, set[int]]:
    turned: dict[int, set[int]] = {}
    for other_id, known in pairs:
        for user_id in known:
            turned.setdefault(user_id, set()).add(other_id)
    return turned
