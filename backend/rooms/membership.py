"""Who is in a room. Every change holds the room's conversation, and takes exactly one modseq of it.

Sends look at the membership under the same lock, so a removal stands before or after each message, and nothing later than it
reaches the removed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from backend.errors import Conflict, Forbidden, NotFound
from backend.events import publish_on_commit, room_updated_event
from backend.models import RoomMembership, User
from backend.models.base import db
from backend.pagination import Page, PageRequest
from backend.rooms.access import get_room_as_admin, get_room_as_owner, get_room_for
from backend.rooms.changes import (
    admit,
    ban,
    close_room,
    end,
    find_membership,
    has_others,
    lift_ban,
    set_admin,
    spare_owner,
)
from backend.rooms.consent import check_consent, check_may_own, check_not_blocked
from backend.rooms.purge import purge_after_deletion
from backend.rooms.serialise import member_json, members_json, room_json
from backend.users.access import get_active_user, get_user


class Banned(Forbidden):
    code = "banned"
    detail = "An admin has banned you from this room."


class OwnerMustTransfer(Conflict):
    code = "owner_must_transfer"
    detail = "You own this room. Hand it over to another member before you leave."


class UserBanned(Conflict):
    code = "user_banned"
    detail = "This user is banned from the room. Lift the ban first."


def list_members(user: User, room_id: int, page_request: PageRequest, *, banned: bool = False) -> Page[dict[str, Any]]:
    """The members of a room that *user* may see, in the order in which they joined; with *banned*, for admins, the banned."""
    access = get_room_as_admin(user, room_id) if banned else get_room_for(user, room_id)
    which = RoomMembership.is_banned if banned else RoomMembership.left_at.is_(None)
    statement = (
        select(RoomMembership, User)
        .join(RoomMembership.user)
        .where(RoomMembership.room_id == access.room.id, which)
        .order_by(RoomMembership.joined_at, RoomMembership.id)
        .offset(page_request.skip)
        .limit(page_request.limit + 1)
    )
    page = Page.from_rows(db.session.execute(statement).all(), page_request)
    return Page(members_json(page.items, user), page.next)


def join_room(user: User, room_id: int) -> dict[str, Any]:
    """Make *user* a member of a public room. For a member this changes nothing. Raises NotFound and Banned."""
    access = get_room_for(user, room_id, lock=True)
    if access.is_banned:
        raise Banned
    if not access.is_member:
        admit(access.room, user.id, access.own)
    answer = room_json(access.room, user)
    db.session.commit()
    return answer


def leave_room(user: User, room_id: int) -> None:
    """End the membership of *user*; where there is none, nothing changes. An owner who is alone deletes the room thereby.

    Raises NotFound, and OwnerMustTransfer for an owner who is not alone.
    """
    access = get_room_for(user, room_id, lock=True)
    closes = access.room.owner_id == user.id
    if closes and has_others(access.room, user.id):
        raise OwnerMustTransfer
    if closes:
        close_room(access.room)
    elif access.membership is not None:
        end(access.membership, by_self=True)
    db.session.commit()
    if closes:
        purge_after_deletion(room_id)


def add_member(user: User, room_id: int, user_id: int, is_admin: bool | None = None) -> dict[str, Any]:
    """Make *user_id* a member, as an admin of the room. Of a member it sets `is_admin`, where that is given.

    Raises NotFound for an account that is unknown, erased or deactivated, UserBanned, BlockedByUser, JustLeft and RateLimited
    as `check_consent` does, and Forbidden for an owner's demotion.
    """
    room = get_room_as_admin(user, room_id, lock=True).room
    target = get_active_user(user_id)
    membership = find_membership(room, user_id)
    if membership is not None and membership.is_banned:
        raise UserBanned
    if membership is None or membership.left_at is not None:
        check_consent(user.id, user_id, membership)
        membership = admit(room, user_id, membership, bool(is_admin))
    elif is_admin is not None:
        set_admin(room, membership, is_admin)
    return _committed(membership, target, user)


def update_member(
    user: User, room_id: int, user_id: int, *, is_admin: bool | None = None, is_banned: bool | None = None
) -> dict[str, Any]:
    """Make a member an admin or not, or ban somebody (which ends a membership) or lift the ban, as an admin of the room.

    Somebody who is no member can be banned too. Raises NotFound where there is no such user or member, and Forbidden where the
    owner would be demoted or banned.
    """
    room = get_room_as_admin(user, room_id, lock=True).room
    target = get_user(user_id)
    membership = find_membership(room, user_id)
    if is_banned:
        return _committed(ban(room, user_id, membership), target, user)
    if membership is None or (membership.left_at is not None and (is_admin is not None or is_banned is None)):
        raise NotFound
    if is_banned is False:
        lift_ban(membership)
    if is_admin is not None:
        set_admin(room, membership, is_admin)
    return _committed(membership, target, user)


def remove_member(user: User, room_id: int, user_id: int) -> None:
    """End the membership of *user_id*, as an admin of the room; one's own, as `leave_room`.

    Raises NotFound where they are no member, and Forbidden where they own the room.
    """
    if user_id == user.id:
        leave_room(user, room_id)
        return
    room = get_room_as_admin(user, room_id, lock=True).room
    membership = find_membership(room, user_id)
    if membership is None or membership.left_at is not None:
        raise NotFound
    spare_owner(room, membership)
    end(membership)
    db.session.commit()


def transfer_room(user: User, room_id: int, user_id: int) -> dict[str, Any]:
    """Hand the room over to another member, who becomes an admin by it, as its owner. The old owner stays member and admin.

    Raises NotFound where *user_id* is no active member, or cannot sign in, BlockedByUser where they block *user*, and
    TooManyRooms where they own as many as anybody may.
    """
    room = get_room_as_owner(user, room_id, lock=True).room
    get_active_user(user_id)
    membership = find_membership(room, user_id)
    if membership is None or membership.left_at is not None:
        raise NotFound
    if user_id != user.id:
        check_not_blocked(user.id, user_id)
        check_may_own(user_id, "This user owns as many rooms as anybody may. Hand the room to another member.")
    set_admin(room, membership, is_admin=True)
    room.owner_id = user_id
    db.session.flush()
    answer = room_json(room, user)
    publish_on_commit(room_updated_event(answer))
    db.session.commit()
    return answer


def _committed(membership: RoomMembership, target: User, viewer: User) -> dict[str, Any]:
    db.session.flush()
    answer = member_json(membership, target, viewer)
    db.session.commit()
    return answer
