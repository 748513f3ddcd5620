"""The chat over HTTP."""

from __future__ import annotations

from typing import Any

from backend.database import read_only
from backend.http.blueprint import Blueprint
from backend.http.pagination import PageArgs, paged
from backend.identity.guards import current_user, large_answer, own_answer, reader, signed_in
from backend.inbox import service as inbox
from backend.inbox import sync as syncing
from backend.messages import schemas, service
from backend.messages.drafts import Sent
from backend.messages.serialise import as_sent
from backend.pagination import Page

bp = Blueprint("chat", __name__, url_prefix="/api/chat", description="Conversations and their messages.")
room_messages_bp = Blueprint("room-messages", __name__, url_prefix="/api/rooms", description="A room's messages.")


def _answer(sent: Sent) -> tuple[dict[str, Any], int]:
    message = sent.message if current_user.may_read else as_sent(sent.message)
    return message, 201 if sent.is_new else 200


@bp.post("/send")
@bp.response(201, schemas.MessageSchema)
@bp.alt_response(200, schema=schemas.MessageSchema, description="It was sent before; nothing was added.", success=True)
@signed_in
@own_answer
@bp.arguments(schemas.SendSchema)
def send_message(body: dict[str, Any]) -> Any:
    """Send a message

    To a room, a user or a conversation; without an address, to the lobby. The answer comes after the commit.
    """
    return _answer(service.send_message(current_user, **body))


@bp.get("/messages")
@bp.response(200, schemas.MessageSchema(many=True))
@signed_in
@paged
@bp.arguments(schemas.MessageArgs, location="query")
def list_messages(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List messages

    All that you may see, newest first, or those of one conversation.
    """
    return service.list_messages(current_user, **args)


@bp.get("/messages/<id:message_id>")
@bp.response(200, schemas.MessageSchema)
@signed_in
def get_message(message_id: int) -> dict[str, Any]:
    """Get a message"""
    return service.get_message(current_user, message_id)


@bp.get("/conversations")
@bp.response(200, schemas.ConversationSchema(many=True))
@signed_in
@paged
@bp.arguments(PageArgs, location="query")
def list_conversations(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List your conversations

    The inbox, last activity first, with exact unread counts.
    """
    return inbox.list_conversations(current_user, **args)


@bp.patch("/conversations/<conversation_id>")
@bp.response(200, schemas.ConversationSchema)
@signed_in
@bp.arguments(schemas.ConversationPatch)
def update_conversation(body: dict[str, Any], conversation_id: str) -> dict[str, Any]:
    """Mute or pin a conversation, for yourself"""
    return inbox.update_conversation(current_user, conversation_id, **body)


@bp.post("/conversations/<conversation_id>/read")
@bp.response(200, schemas.ConversationSchema)
@signed_in
@bp.arguments(schemas.ReadSchema)
def mark_read(body: dict[str, Any], conversation_id: str) -> dict[str, Any]:
    """Move your read mark

    Forward only; behind the conversation's end is 422.
    """
    return inbox.mark_read(current_user, conversation_id, body["seq"])


@bp.post("/sync")
@bp.response(200, schemas.SyncAnswer)
@reader
@large_answer
@bp.arguments(schemas.SyncSchema)
def sync(body: dict[str, Any]) -> dict[str, Any]:
    """Catch up

    Everything that changed since the modseqs you saw last. Where `truncated`, ask again from the last message's modseq.
    """
    read_only()
    return syncing.sync(current_user, body["conversations"])


@room_messages_bp.get("/<id:room_id>/messages")
@room_messages_bp.response(200, schemas.MessageSchema(many=True))
@signed_in
@paged
@room_messages_bp.arguments(schemas.CursorArgs, location="query")
def list_room_messages(args: dict[str, Any], room_id: int) -> Page[dict[str, Any]]:
    """List a room's messages

    Newest first; with `after`, oldest first.
    """
    return service.list_messages(current_user, room_id=room_id, **args)


@room_messages_bp.post("/<id:room_id>/messages")
@room_messages_bp.response(201, schemas.MessageSchema)
@room_messages_bp.alt_response(200, schema=schemas.MessageSchema, description="It was sent before.", success=True)
@signed_in
@own_answer
@room_messages_bp.arguments(schemas.RoomSendSchema)
def send_room_message(body: dict[str, Any], room_id: int) -> Any:
    """Send a message to a room"""
    return _answer(service.send_message(current_user, room_id=room_id, **body))
