"""The inbox over HTTP: conversations, read marks and sync."""

from __future__ import annotations

from typing import Any

from backend.database import read_only
from backend.http.blueprint import Blueprint
from backend.http.pagination import PageArgs, paged
from backend.identity.guards import current_user, large_answer, login_required, scope_required
from backend.inbox import marks, service
from backend.inbox import sync as syncing
from backend.messages import schemas
from backend.pagination import Page

bp = Blueprint("inbox", __name__, url_prefix="/api/chat", description="Conversations, read marks and sync.")


@bp.get("/conversations")
@bp.response(200, schemas.ConversationSchema(many=True))
@login_required
@paged
@bp.arguments(PageArgs, location="query")
def list_conversations(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List your conversations

    The inbox, last activity first, with exact unread counts.
    """
    return service.list_conversations(current_user, **args)


@bp.get("/conversations/<conversation_id>")
@bp.response(200, schemas.ConversationSchema)
@login_required
def get_conversation(conversation_id: str) -> dict[str, Any]:
    """One conversation of your inbox, with exact unread counts"""
    return service.get_conversation(current_user, conversation_id)


@bp.patch("/conversations/<conversation_id>")
@bp.response(200, schemas.ConversationSchema)
@login_required
@bp.arguments(schemas.ConversationSettingsSchema)
def update_conversation(body: dict[str, Any], conversation_id: str) -> dict[str, Any]:
    """Mute or pin a conversation, for yourself"""
    return marks.update_conversation(current_user, conversation_id, **body)


@bp.post("/conversations/<conversation_id>/read")
@bp.response(200, schemas.ConversationSchema)
@login_required
@bp.arguments(schemas.ReadMarkSchema)
def mark_read(body: dict[str, Any], conversation_id: str) -> dict[str, Any]:
    """Move your read mark

    Forward only. A `seq` past the end of the conversation is 422.
    """
    return marks.mark_read(current_user, conversation_id, body["seq"])


@bp.post("/conversations/<conversation_id>/unread")
@bp.response(200, schemas.ConversationSchema)
@login_required
@bp.arguments(schemas.UnreadMarkSchema)
def mark_unread(body: dict[str, Any], conversation_id: str) -> dict[str, Any]:
    """Mark messages as unread

    The message `seq` and all later ones. Only your own devices are told.
    """
    return marks.mark_unread(current_user, conversation_id, body["seq"])


@bp.post("/sync")
@bp.response(200, schemas.SyncAnswerSchema)
@scope_required("read")
@large_answer
@bp.arguments(schemas.SyncRequestSchema)
def sync(body: dict[str, Any]) -> dict[str, Any]:
    """Catch up

    Everything that changed since the modseqs that you give. If a row is `truncated`, ask again from the
    highest modseq of its messages and members.
    """
    read_only()
    return syncing.sync(current_user, body["conversations"])
