"""Limits on what admins and owners may do to other users, who may block them or have left the room.

They apply to superusers too. The caller has locked the room (`lock_room`), and commits.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from backend.errors import Conflict, Forbidden
from backend.models import Room, RoomMembership
from backend.models.base import db, utcnow
from backend.rate_limiting.limits import RateLimit, count
from backend.users.access import lock_active_user
from backend.users.blocks import is_blocked

MAX_OWNED = 200
WAIT = timedelta(days=1)
"""How long a user who left a room cannot be added to it."""

ADD_SAME = RateLimit("add-member-same", "20 per hour")
"""How often one user may add the same other user to rooms."""

ADDED = RateLimit("added-member", "100 per hour")
"""How often a user may be added to rooms, by all other users together."""


class TooManyRooms(Conflict):
    code = "too_many_rooms"
    detail = f"You own {MAX_OWNED} rooms. Delete one or transfer one before you create another."


class BlockedByUser(Forbidden):
    code = "blocked"
    detail = "This user blocks you. You can neither add them to a room nor transfer one to them."


class JustLeft(Forbidden):
    code = "left"
    detail = "This user left the room. For a day they can only return by themselves, by joining or with an invite."


def check_consent(actor_id: int, user_id: int, former: RoomMembership | None) -> None:
    """Raise if *actor_id* may not make *user_id* a member. *former* is their ended membership.

    Raises BlockedByUser if they block the actor, JustLeft if they left by themselves within a day, and RateLimited.
    """
    check_not_blocked(actor_id, user_id)
    if former is not None and former.left_by_self and former.left_at and former.left_at > utcnow() - WAIT:
        raise JustLeft
    # The limit of the pair is counted first, so that one user cannot exhaust the limit that all users share.
    for limit, key in ((ADD_SAME, f"{actor_id}:{user_id}"), (ADDED, str(user_id))):
        count(limit, key).check()


def check_not_blocked(actor_id: int, user_id: int) -> None:
    """Raise BlockedByUser if *user_id* blocks *actor_id*. No block can be created until the end of the transaction.

    Raises NotFound for an account that was erased or deactivated meanwhile.
    """
    lock_active_user(user_id)
    if is_blocked(actor_id, user_id):
        raise BlockedByUser


def check_may_own(user_id: int, detail: str | None = None) -> None:
    """Raise TooManyRooms, with *detail*, if *user_id* owns the maximum number of rooms.

    The caller has locked the user's row, so that concurrent calls cannot exceed the maximum.
    """
    owned = select(func.count()).select_from(Room).where(Room.owner_id == user_id, Room.deleted_at.is_(None))
    if (db.session.scalar(owned) or 0) >= MAX_OWNED:
        raise TooManyRooms(detail)
