"""Invite links: a code lets its bearer into a room, until it expires, is used up or is revoked.

The database holds a hash, by which a code is found, and no code. What admins read in the list is computed anew from SECRET_KEY
and the row: whoever has a copy of the database alone can join nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import or_, select, update

from backend.errors import Conflict, NotFound
from backend.models import Room, RoomInvite, RoomMembership, User
from backend.models.base import db, utcnow
from backend.pagination import Page, PageRequest
from backend.rooms.access import get_room_as_admin, get_room_with_own
from backend.rooms.changes import admit
from backend.rooms.membership import Banned
from backend.rooms.serialise import room_json
from backend.security.hashing import hash_secret, new_secret

DEFAULT_SECONDS = 7 * 86_400
MAX_SECONDS = 365 * 86_400
MAX_USES = 100_000
MOST = 100
"""Live invites of one room."""


class DeadInvite(NotFound):
    detail = (
        "This invite does not let you in: it is wrong or has ended, or an admin removed you. Ask an admin to add you."
    )


class TooManyInvites(Conflict):
    code = "too_many_invites"
    detail = f"The room has {MOST} live invites. Revoke one that is not needed."


def create_invite(
    user: User, room_id: int, expires_in: int | None = DEFAULT_SECONDS, max_uses: int | None = None
) -> dict[str, Any]:
    """Make an invite to a room, as one of its admins; *expires_in* is in seconds, None is for ever.

    Raises NotFound, Forbidden for others who can see the room, and TooManyInvites.
    """
    room = get_room_as_admin(user, room_id, lock=True).room
    if len(db.session.scalars(_live().where(RoomInvite.room_id == room.id).limit(MOST)).all()) >= MOST:
        raise TooManyInvites
    now = utcnow()
    invite = RoomInvite(
        room_id=room.id,
        created_by_id=user.id,
        code=hash_secret(new_secret()),  # until the id is known, of which the code is made
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
    """The live invites of a room, the newest first, for its admins."""
    room = get_room_as_admin(user, room_id).room
    statement = _live().where(RoomInvite.room_id == room.id).order_by(RoomInvite.id.desc())
    rows = db.session.scalars(statement.offset(page_request.skip).limit(page_request.limit + 1))
    return Page.from_rows([invite_json(row) for row in rows], page_request)


def revoke_invite(user: User, room_id: int, code: str) -> None:
    """End an invite, as an admin of its room. Raises NotFound where it is dead already."""
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
    """Make *user* a member of the room that *code* opens. For a member this changes nothing, and uses nothing up.

    Raises DeadInvite for a code that is unknown or dead, and for whom an admin removed from the room; and Banned.
    """
    hashed = hash_secret(code)
    room_id = db.session.scalar(select(RoomInvite.room_id).where(RoomInvite.code == hashed))
    if room_id is None:
        raise DeadInvite
    access = get_room_with_own(user, room_id)  # under the room's lock, so uses are counted one after another
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
        invite.uses += 1
        admit(access.room, user.id, access.own)
    db.session.flush()
    answer = room_json(access.room, user)
    db.session.commit()
    return answer


def invite_json(invite: RoomInvite) -> dict[str, Any]:
    """The one shape of an invite. `code` is null where SECRET_KEY was changed since it was made: the code itself still opens."""
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
    """144 bits that only SECRET_KEY and this row give. The time makes it another one even where ids begin anew."""
    key = hashlib.sha256(b"confab invite codes\0" + current_app.config["CONFAB"].secret_key.encode()).digest()
    row = f"{invite.room_id}:{invite.id}:{invite.created_at.isoformat()}"
    return base64.urlsafe_b64encode(hmac.digest(key, row.encode(), "sha256")[:18]).decode()


def _live() -> Any:
    """The invites that open their room: they last no longer than their maker is an admin of it who may sign in."""
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
