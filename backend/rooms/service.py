"""Creating, finding, changing and deleting rooms. Their members are in `membership.py`."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import or_

from backend.audit.log import record
from backend.errors import Forbidden
from backend.events import member_event, opened_event, publish_on_commit, room_updated_event
from backend.models import Conversation, ConversationEntry, Room, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import room_conversation_id
from backend.pagination import Page, PageRequest
from backend.rooms.access import (
    IS_ACTIVE,
    get_room_as_admin,
    get_room_for,
    get_room_to_delete,
    rooms_seen_by,
)
from backend.rooms.changes import close_room
from backend.rooms.consent import check_may_own
from backend.rooms.purge import purge_after_deletion
from backend.rooms.serialise import room_json, rooms_json
from backend.users.access import lock_self
from config import Config


def list_rooms(user: User, page_request: PageRequest, *, mine: bool = False, q: str = "") -> Page[dict[str, Any]]:
    """The rooms that *user* may see, newest first. With *mine*, only those that they are a member of.

    *q* is a literal part of the name or description, in any case.
    """
    statement = rooms_seen_by(user).order_by(Room.id.desc())
    if mine:
        statement = statement.where(IS_ACTIVE)
    if q:
        statement = statement.where(
            or_(Room.name.icontains(q, autoescape=True), Room.description.icontains(q, autoescape=True))
        )
    rows = db.session.execute(statement.offset(page_request.skip).limit(page_request.limit + 1))
    page = Page.from_rows([room for room, _ in rows], page_request)
    return Page(rooms_json(page.items, user), page.next)


def get_room(user: User, room_id: int) -> dict[str, Any]:
    """The room *room_id*. Raises NotFound."""
    return room_json(get_room_for(user, room_id).room, user)


class RoomCreationForbidden(Forbidden):
    detail = "Only superusers create rooms here. Ask one for a room."


def create_room(user: User, name: str, description: str | None = None, is_public: bool = True) -> dict[str, Any]:
    """Create a room. *user* owns it, and is a member and an admin.

    Raises TooManyRooms, TokenRevoked for a user who was erased or deactivated meanwhile, and RoomCreationForbidden where only
    superusers create rooms (ROOM_CREATION).
    """
    config: Config = current_app.config["CONFAB"]
    if config.room_creation == "superusers" and not user.has_admin_power:
        raise RoomCreationForbidden
    lock_self(user)
    check_may_own(user.id)
    room = Room(name=name, description=description, is_public=is_public, owner_id=user.id)
    db.session.add(room)
    db.session.flush()
    conversation_id = room_conversation_id(room.id)
    db.session.add(Conversation(id=conversation_id, kind="room", room_id=room.id, last_modseq=1))
    db.session.flush()
    owner = RoomMembership(room_id=room.id, user_id=user.id, is_admin=True, modseq=1)
    owner.set_joined()
    db.session.add_all([owner, ConversationEntry(user_id=user.id, conversation_id=conversation_id)])
    db.session.flush()
    answer = room_json(room, user)
    publish_on_commit(opened_event(conversation_id, user.id), member_event("member.joined", conversation_id, owner))
    db.session.commit()
    return answer


def update_room(user: User, room_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Set the room's name, description or is_public, as an admin of it. Fields that are not in *changes* stay.

    Raises NotFound, and Forbidden for others who may see the room.
    """
    room = get_room_as_admin(user, room_id, lock=True).room
    for field, value in changes.items():
        setattr(room, field, value)
    is_changed = db.session.is_modified(room)
    db.session.flush()
    answer = room_json(room, user)
    if is_changed:
        publish_on_commit(room_updated_event(answer))
    db.session.commit()
    return answer


def delete_room(user: User, room_id: int) -> None:
    """Delete the room, as its owner or a superuser, and begin to delete its messages.

    Raises NotFound, and Forbidden for others who may see the room.
    """
    room = get_room_to_delete(user, room_id).room
    if room.owner_id != user.id:
        record("room.deleted", user.id, f"room:{room_id}")
    close_room(room)
    db.session.commit()
    purge_after_deletion(room_id)
