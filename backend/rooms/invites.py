"""Invite links. Whoever has a code can join the room, until the code expires, is used up or is revoked.

The database holds only hashes of codes. The codes in the list for admins are computed from SECRET_KEY and the row, so a copy of
the database alone lets nobody join.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import or_, select, update

from backend.database import read_engine
from backend.errors import Conflict, NotFound
from backend.models import Room, RoomInvite, RoomMembership, User
from backend.models.base import db, utcnow
from backend.pagination import Page, PageRequest
from backend.rooms.access import RoomAccess, get_room_as_admin, get_room_with_own
from backend.rooms.changes import start_membership
from backend.rooms.membership import Banned
from backend.rooms.serialise import room_json
from backend.security.hashing import hash_secret, new_secret
from backend.users.access import keep_active

DEFAULT_SECONDS = 7 * 86_400
MAX_SECONDS = 365 * 86_400
MAX_USES = 100_000
MAX_INVITES = 100
"""The number of valid invites of one room."""


class DeadInvite(NotFound):
    detail = "This invite is invalid or has expired, or an admin removed you from the room. Ask an admin to add you."


class TooManyInvites(Conflict):
    code = "too_many_invites"
    detail = f"The room has {MAX_INVITES} valid invites. Revoke one that you do not need."


def create_invite(
    user: User, room_id: int, expires_in: int | None = DEFAULT_SECONDS, max_uses: int | None = None
) -> dict[str, Any]:
    """Create an invite to a room, as an admin of it. *expires_in* is in seconds; with None it never expires.

    Raises NotFound, Forbidden for others who may see the room, and TooManyInvites.
    """
    room = get_room_as_admin(user, room_id, lock=True).room
    if len(db.session.scalars(_live().where(RoomInvite.room_id == room.id).limit(MAX_INVITES)).all()) >= MAX_INVITES:
        raise TooManyInvites
    now = utcnow()
    invite = RoomInvite(
        room_id=room.id,
        created_by_id=user.id,
        code=hash_secret(new_secret()),  # a placeholder, because the code is computed from the id
        created_at=now,
        expires_at=None if expires_in is None else now + timedelta(seconds=expires_in),
        max_uses=max_uses,
        uses=0,
    )
    db.session.add(invite)
    db.session.flush()
    invite.code = hash_secret(_code(invite))
    answer = invite_json(invite)
    db.session.commit()
    return answer


def list_invites(user: User, room_id: int, page_request: PageRequest) -> Page[dict[str, Any]]:
    """The valid invites of a room, newest first. For its admins."""
    room = get_room_as_admin(user, room_id).room
    statement = _live().where(RoomInvite.room_id == room.id).order_by(RoomInvite.id.desc())
    rows = db.session.scalars(statement.offset(page_request.skip).limit(page_request.limit + 1))
    return Page.from_rows([invite_json(row) for row in rows], page_request)


def revoke_invite(user: User, room_id: int, code: str) -> None:
    """Revoke an invite, as an admin of its room. Raises NotFound if it is not valid any more."""
    room = get_room_as_admin(user, room_id, lock=True).room
    statement = (
        update(RoomInvite)
        .where(RoomInvite.room_id == room.id, RoomInvite.code == hash_secret(code), RoomInvite.revoked_at.is_(None))
        .values(revoked_at=utcnow())
        .returning(RoomInvite.id)
    )
    if db.session.execute(statement).one_or_none() is None:
        raise NotFound
    db.session.commit()


def join_by_code(user: User, code: str) -> dict[str, Any]:
    """Make *user* a member of the room of the invite *code*, and return the room. Raises what `use_invite` raises."""
    access = use_invite(user, code)
    answer = room_json(access.room, user)
    db.session.commit()
    return answer


def check_invite(code: str) -> None:
    """Raise DeadInvite if the code is invalid. Leaves no transaction open."""
    with read_engine(db.engine).connect() as connection:
        if connection.execute(_live().where(RoomInvite.code == hash_secret(code))).first() is None:
            raise DeadInvite


def use_invite(user: User, code: str) -> RoomAccess:
    """Make *user* a member of the room of the invite *code*. For a member this changes nothing, and counts as no use.

    Does not commit. Raises DeadInvite if the code is invalid or an admin removed the user from the room, Banned, and TokenRevoked
    for a user who was erased or deactivated meanwhile.
    """
    hashed = hash_secret(code)
    room_id = db.session.scalar(select(RoomInvite.room_id).where(RoomInvite.code == hashed))
    if room_id is None:
        raise DeadInvite
    access = get_room_with_own(user, room_id)  # under the lock of the room, so that concurrent uses are all counted
    invite = db.session.scalars(
        _live().where(RoomInvite.code == hashed).execution_options(populate_existing=True)
    ).one_or_none()
    if invite is None:
        raise DeadInvite
    if access.is_banned:
        raise Banned
    if access.was_removed:
        raise DeadInvite
    if not access.is_member:
        keep_active(user)
        invite.uses += 1
        start_membership(access.room, user.id, access.own)
    db.session.flush()
    return access


def invite_json(invite: RoomInvite) -> dict[str, Any]:
    """An invite as clients see it. `code` is null if SECRET_KEY has changed since; the code itself stays valid."""
    code: str | None = _code(invite)
    if hash_secret(code or "") != invite.code:
        code = None
    return {
        "code": code,
        "url": f"{current_app.config['CONFAB'].public_url}/#/join/{code}" if code else None,
        "expires_at": invite.expires_at,
        "max_uses": invite.max_uses,
        "uses": invite.uses,
    }


def _code(invite: RoomInvite) -> str:
    """144 bits computed from SECRET_KEY and the row. The time is included, so that codes differ even if ids are reused."""
    key = hashlib.sha256(b"confab invite codes\0" + current_app.config["CONFAB"].secret_key.encode()).digest()
    row = f"{invite.room_id}:{invite.id}:{invite.created_at.isoformat()}"
    return base64.urlsafe_b64encode(hmac.digest(key, row.encode(), "sha256")[:18]).decode()


def _live() -> Any:
    """The condition that an invite is valid. Its creator has to be an admin of the room, and able to sign in."""
    maker = (
        select(RoomMembership.id)
        .join(RoomMembership.user)
        .where(RoomMembership.room_id == RoomInvite.room_id, RoomMembership.user_id == RoomInvite.created_by_id)
        .where(RoomMembership.left_at.is_(None), RoomMembership.is_admin, User.is_active, User.deleted_at.is_(None))
    )
    return select(RoomInvite).where(
        maker.exists(),
        RoomInvite.revoked_at.is_(None),
        or_(RoomInvite.expires_at.is_(None), RoomInvite.expires_at > utcnow()),
        or_(RoomInvite.max_uses.is_(None), RoomInvite.uses < RoomInvite.max_uses),
        RoomInvite.room_id.in_(select(Room.id).where(Room.deleted_at.is_(None))),
    )
