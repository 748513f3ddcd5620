"""What bounds an admin's or an owner's power over other people: their blocks, their leaving, and how much one person can do.

Superusers are bound by it, too. The callers hold the room (`lock_room`) and commit.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from backend.errors import Conflict, Forbidden
from backend.models import Room, RoomMembership, User
from backend.models.base import db, utcnow
from backend.rate_limiting.limits import RateLimit, count
from backend.users.blocks import is_blocked

MOST_OWNED = 200
WAIT = timedelta(days=1)
"""How long nobody adds who left by themselves."""

ADD_SAME = RateLimit("add-member-same", "20 per hour")
"""Into how many rooms one user may bring the same other."""

ADDED = RateLimit("added-member", "100 per hour")
"""Into how many rooms all the others may bring one user."""


class TooManyRooms(Conflict):
    code = "too_many_rooms"
    detail = f"You own {MOST_OWNED} rooms. Delete one or hand one over before you make another."


class BlockedByUser(Forbidden):
    code = "blocked"
    detail = "This user blocks you. You can neither add them to a room nor hand one to them."


class JustLeft(Forbidden):
    code = "left"
    detail = "This user left the room. For a day, they come back only by themselves: by joining, or by an invite."


def check_consent(actor_id: int, user_id: int, former: RoomMembership | None) -> None:
    """Raise unless *actor_id* may make *user_id* a member; *former* is their ended membership.

    Raises BlockedByUser where they block the actor, JustLeft where they left by themselves within a day, and RateLimited.
    """
    check_not_blocked(actor_id, user_id)
    if former is not None and former.left_by_self and former.left_at and former.left_at > utcnow() - WAIT:
        raise JustLeft
    # By the pair first: one user alone cannot use up what all the others share.
    for limit, key in ((ADD_SAME, f"{actor_id}:{user_id}"), (ADDED, str(user_id))):
        count(limit, key).check()


def check_not_blocked(actor_id: int, user_id: int) -> None:
    """Raise BlockedByUser where *user_id* blocks *actor_id*. No block is made between this and the end of the transaction."""
    _lock(user_id)
    if is_blocked(actor_id, user_id):
        raise BlockedByUser


def check_may_own(user_id: int, detail: str | None = None) -> None:
    """Raise TooManyRooms, with *detail*, where *user_id* owns as many rooms as anybody may.

    Their row is held until the transaction ends, so that two rooms at once do not both count as the last one.
    """
    _lock(user_id)
    owned = select(func.count()).select_from(Room).where(Room.owner_id == user_id, Room.deleted_at.is_(None))
    if (db.session.scalar(owned) or 0) >= MOST_OWNED:
        raise TooManyRooms(detail)


def _lock(user_id: int) -> None:
    # key_share: no obstacle to rows that merely refer to the user, such as messages.
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
