"""Edits, deletions, history, threads, reactions and pins over HTTP."""

from __future__ import annotations

from typing import Any

from backend.http.blueprint import Blueprint
from backend.http.pagination import PageArgs, paged
from backend.identity.guards import current_user, login_required
from backend.messages import deletion, edits, pins, reactions, schemas, schemas_changes, service
from backend.pagination import Page

bp = Blueprint(
    "message-changes",
    __name__,
    url_prefix="/api/chat/messages",
    description="Edits, deletions, threads, reactions and pins.",
)


@bp.patch("/<id:message_id>")
@bp.response(200, schemas.MessageSchema)
@login_required
@bp.arguments(schemas_changes.MessageEditSchema)
def edit_message(body: dict[str, Any], message_id: int) -> dict[str, Any]:
    """Edit a message

    Only your own. With `modseq`, an edit of a version that is not the present one is 409 `edit_conflict`.
    """
    return edits.edit_message(current_user, message_id, **body)


@bp.delete("/<id:message_id>")
@bp.response(204)
@login_required
@bp.arguments(schemas_changes.DeletionArgs, location="query")
def delete_message(args: dict[str, Any], message_id: int) -> None:
    """Delete a message

    Your own, or any message of a room that you administer. It stays in lists as a tombstone. With `hard=true` its
    content, history and files are removed from the database for good.
    """
    deletion.delete_message(current_user, message_id, is_hard=args["hard"])


@bp.get("/<id:message_id>/history")
@bp.response(200, schemas_changes.MessageVersionSchema(many=True))
@login_required
@paged
@bp.arguments(PageArgs, location="query")
def list_history(args: dict[str, Any], message_id: int) -> Page[dict[str, Any]]:
    """List a message's earlier versions

    Oldest first.
    """
    return edits.list_history(current_user, message_id, **args)


@bp.get("/<id:message_id>/replies")
@bp.response(200, schemas.MessageSchema(many=True))
@login_required
@paged
@bp.arguments(schemas_changes.ReplyArgs, location="query")
def list_replies(args: dict[str, Any], message_id: int) -> Page[dict[str, Any]]:
    """List a message's thread

    The replies, newest first. With `after`, oldest first.
    """
    return service.list_replies(current_user, message_id, **args)


@bp.put("/<id:message_id>/reactions/<emoji>")
@bp.response(200, schemas.MessageSchema)
@bp.alt_response(422, "UNPROCESSABLE_ENTITY")
@login_required
def add_reaction(message_id: int, emoji: str) -> dict[str, Any]:
    """React to a message

    With one emoji of Unicode, percent-encoded. Repeating the call changes nothing.
    """
    return reactions.add_reaction(current_user, message_id, emoji)


@bp.delete("/<id:message_id>/reactions/<emoji>")
@bp.response(200, schemas.MessageSchema)
@bp.alt_response(422, "UNPROCESSABLE_ENTITY")
@login_required
def remove_reaction(message_id: int, emoji: str) -> dict[str, Any]:
    """Remove your reaction

    Repeating the call changes nothing.
    """
    return reactions.remove_reaction(current_user, message_id, emoji)


@bp.put("/<id:message_id>/pin")
@bp.response(200, schemas.MessageSchema)
@login_required
def pin_message(message_id: int) -> dict[str, Any]:
    """Pin a message

    As an admin of its room, or as either side of a direct conversation.
    """
    return pins.pin_message(current_user, message_id)


@bp.delete("/<id:message_id>/pin")
@bp.response(200, schemas.MessageSchema)
@login_required
def unpin_message(message_id: int) -> dict[str, Any]:
    """Unpin a message"""
    return pins.unpin_message(current_user, message_id)
