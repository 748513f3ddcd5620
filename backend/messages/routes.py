"""Messages over HTTP."""

from __future__ import annotations

from typing import Any

from backend.http.blueprint import Blueprint
from backend.http.pagination import paged
from backend.identity.guards import current_user, login_required, own_answer
from backend.messages import schemas, search, service
from backend.messages.drafts import Sent
from backend.messages.serialise import as_sent
from backend.pagination import Page

bp = Blueprint("chat", __name__, url_prefix="/api/chat", description="Messages of conversations.")
room_messages_bp = Blueprint("room-messages", __name__, url_prefix="/api/rooms", description="A room's messages.")


def _answer(sent: Sent) -> tuple[dict[str, Any], int]:
    message = sent.message if current_user.may_read else as_sent(sent.message)
    return message, 201 if sent.is_new else 200


@bp.post("/send")
@bp.response(201, schemas.MessageSchema)
@bp.alt_response(
    200, schema=schemas.MessageSchema, description="It was sent before, and nothing was added.", success=True
)
@login_required
@own_answer
@bp.arguments(schemas.MessageSendSchema)
def send_message(body: dict[str, Any]) -> Any:
    """Send a message

    To a room, a user or a conversation. Without an address it goes to the lobby. The answer comes after the commit.
    """
    return _answer(service.send_message(current_user, **body))


@bp.get("/messages")
@bp.response(200, schemas.MessageSchema(many=True))
@login_required
@paged
@bp.arguments(schemas.MessageArgs, location="query")
def list_messages(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List messages

    Those of one conversation, or all that you may see. Newest first.
    """
    return service.list_messages(current_user, **args)


@bp.get("/search")
@bp.response(200, schemas.FoundMessageSchema(many=True))
@login_required
@paged
@bp.arguments(schemas.SearchArgs, location="query")
def search_messages(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """Search messages

    Among all that you may see, newest first. A message is found as soon as its send is answered.
    """
    return search.search_messages(current_user, **args)


@bp.get("/messages/<id:message_id>")
@bp.response(200, schemas.MessageSchema)
@login_required
def get_message(message_id: int) -> dict[str, Any]:
    """Get a message"""
    return service.get_message(current_user, message_id)


@room_messages_bp.get("/<id:room_id>/messages")
@room_messages_bp.response(200, schemas.MessageSchema(many=True))
@login_required
@paged
@room_messages_bp.arguments(schemas.CursorArgs, location="query")
def list_room_messages(args: dict[str, Any], room_id: int) -> Page[dict[str, Any]]:
    """List a room's messages

    Newest first. With `after`, oldest first.
    """
    return service.list_messages(current_user, room_id=room_id, **args)


@room_messages_bp.post("/<id:room_id>/messages")
@room_messages_bp.response(201, schemas.MessageSchema)
@room_messages_bp.alt_response(200, schema=schemas.MessageSchema, description="It was sent before.", success=True)
@login_required
@own_answer
@room_messages_bp.arguments(schemas.RoomMessageSendSchema)
def send_room_message(body: dict[str, Any], room_id: int) -> Any:
    """Send a message to a room"""
    return _answer(service.send_message(current_user, room_id=room_id, **body))
