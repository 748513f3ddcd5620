"""Membership of rooms. Every change locks the room's conversation, and takes exactly one of its modseqs.

Sends check membership under the same lock. So a removal comes before or after each message, and the removed user gets nothing
that comes after it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, true

from backend.errors import Conflict, Forbidden, NotFound
from backend.events import publish_on_commit, room_updated_event
from backend.models import RoomMembership, User
from backend.models.base import db
from backend.pagination import Page, PageRequest
from backend.rooms.access import get_room_as_admin, get_room_as_owner, get_room_for
from backend.rooms.changes import (
    ban,
    close_room,
    end,
    ensure_not_owner,
    find_membership,
    has_others,
    lift_ban,
    set_admin,
    start_membership,
)
from backend.rooms.consent import check_consent, check_may_own, check_not_blocked
from backend.rooms.purge import purge_after_deletion
from backend.rooms.serialise import member_json, members_json, room_json
from backend.users.access import get_active_user, get_user, get_user_for, is_visible_to, keep_active


class Banned(Forbidden):
    code = "banned"
    detail = "An admin has banned you from this room."


class OwnerMustTransfer(Conflict):
    code = "owner_must_transfer"
    detail = "You own this room. Transfer it to another member before you leave."


class UserBanned(Conflict):
    code = "user_banned"
    detail = "This user is banned from the room. Lift the ban first."


def list_members(user: User, room_id: int, page_request: PageRequest, *, banned: bool = False) -> Page[dict[str, Any]]:
    """The members of a room that *user* may see, in the order in which they joined. With *banned*, its bans, for admins.

    In a public room that *user* is not a member of, the directory may hide members.
    """
    access = get_room_as_admin(user, room_id) if banned else get_room_for(user, room_id)
    which = RoomMembership.is_banned if banned else RoomMembership.left_at.is_(None)
    statement = (
        select(RoomMembership, User)
        .join(RoomMembership.user)
        .where(RoomMembership.room_id == access.room.id, which)
        .where(true() if access.is_member or banned else is_visible_to(user))
        .order_by(RoomMembership.joined_at, RoomMembership.id)
        .offset(page_request.skip)
        .limit(page_request.limit + 1)
    )
    page = Page.from_rows(db.session.execute(statement).all(), page_request)
    return Page(members_json(page.items, user), page.next)


def join_room(user: User, room_id: int) -> dict[str, Any]:
    """Make *user* a member of a public room. For a member this changes nothing. Raises NotFound, Banned and TokenRevoked."""
    access = get_room_for(user, room_id, lock=True)
    if access.is_banned:
        raise Banned
    if not access.is_member:
        keep_active(user)
        start_membership(access.room, user.id, access.own)
    answer = room_json(access.room, user)
    db.session.commit()
    return answer


def leave_room(user: User, room_id: int) -> None:
    """End the membership of *user*. If there is none, nothing changes. If the owner is the only member, the room is deleted.

    Raises NotFound, and OwnerMustTransfer for an owner who is not the only member.
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
    """Make *user_id* a member, as an admin of the room. If they are a member, only `is_admin` is set, if given.

    Raises NotFound for an account that is unknown, erased or deactivated, UserBanned, what `check_consent` raises, and
    Forbidden if the owner would be demoted.
    """
    room = get_room_as_admin(user, room_id, lock=True).room
    membership = find_membership(room, user_id)
    _check_visible(user, user_id, membership)
    target = get_active_user(user_id)
    if membership is not None and membership.is_banned:
        raise UserBanned
    if membership is None or membership.left_at is not None:
        check_consent(user.id, user_id, membership)
        membership = start_membership(room, user_id, membership, bool(is_admin))
    elif is_admin is not None:
        set_admin(room, membership, is_admin)
    return _committed(membership, target, user)


def update_member(
    user: User, room_id: int, user_id: int, *, is_admin: bool | None = None, is_banned: bool | None = None
) -> dict[str, Any]:
    """Set whether a member is an admin, or whether a user is banned, as an admin of the room. A ban ends the membership.

    Users who are not members can be banned too. Raises NotFound if there is no such user or member, and Forbidden if the owner
    would be demoted or banned.
    """
    room = get_room_as_admin(user, room_id, lock=True).room
    membership = find_membership(room, user_id)
    _check_visible(user, user_id, membership)
    target = get_user(user_id)
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
    """End the membership of *user_id*, as an admin of the room. For one's own it is the same as `leave_room`.

    Raises NotFound if they are not a member, and Forbidden if they own the room.
    """
    if user_id == user.id:
        leave_room(user, room_id)
        return
    room = get_room_as_admin(user, room_id, lock=True).room
    membership = find_membership(room, user_id)
    if membership is None or membership.left_at is not None:
        raise NotFound
    ensure_not_owner(room, membership)
    end(membership)
    db.session.commit()


def transfer_room(user: User, room_id: int, user_id: int) -> dict[str, Any]:
    """Transfer the room to another member, as its owner. The new owner becomes an admin, and the old owner stays one.

    Raises NotFound if *user_id* is not an active member or cannot sign in, BlockedByUser if they block *user*, and TooManyRooms
    if they own the maximum number of rooms.
    """
    room = get_room_as_owner(user, room_id).room
    membership = find_membership(room, user_id)
    if membership is None or membership.left_at is not None:
        raise NotFound
    if user_id != user.id:
        check_not_blocked(user.id, user_id)
        check_may_own(user_id, "This user owns the maximum number of rooms. Transfer the room to another member.")
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


def _check_visible(admin: User, user_id: int, membership: RoomMembership | None) -> None:
    """Raise NotFound for a user that the directory hides from *admin* and who was never in the room."""
    if membership is None:
        get_user_for(admin, user_id)
