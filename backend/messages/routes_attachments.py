"""Attachments over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from backend.attachments.upload import create_attachment as create
from backend.http.blueprint import Blueprint
from backend.http.files import file_response
from backend.http.view_metadata import upload
from backend.identity.guards import current_user, login_required, own_answer
from backend.messages import attachments, schemas_attachments

BINARY = {"type": "string", "format": "binary"}

bp = Blueprint("attachments", __name__, url_prefix="/api/chat/attachments", description="Files of messages.")


@bp.post("")
@bp.response(201, schemas_attachments.AttachmentSchema)
@login_required
@own_answer
@upload
@bp.arguments(schemas_attachments.AttachmentBody, location="files")
def create_attachment(files: dict[str, Any]) -> dict[str, Any]:
    """Upload a file

    Send it with a message by its id (`attachment_ids`) within a day. Until then you alone see it. What it is, is found in its
    bytes. An image has a thumbnail and its dimensions, unless it is damaged or has too many pixels.
    """
    file = files["file"]
    return create(current_user, file.filename, file.stream)


@bp.get("/<id:attachment_id>")
@bp.response(200, BINARY, content_type="*/*")
@bp.alt_response(206, description="The part that `Range` asks for.", success=True)
@bp.alt_response(304, description="It is the one that you have.", success=True)
@bp.alt_response(412, "PRECONDITION_FAILED")
@bp.alt_response(416, "REQUESTED_RANGE_NOT_SATISFIABLE")
@login_required
@bp.arguments(schemas_attachments.FileArgs, location="query")
def get_attachment(args: dict[str, Any], attachment_id: int) -> Response:
    """Download a file

    For those who may see its message. The content type is the file's own. `Range` and conditional requests work. Images, sound
    and video come inline, all else as a download.
    """
    return file_response(attachments.get_file(current_user, attachment_id, **args))


@bp.get("/<id:attachment_id>/link")
@bp.response(200, schemas_attachments.LinkSchema)
@login_required
@bp.arguments(schemas_attachments.FileArgs, location="query")
def get_attachment_link(args: dict[str, Any], attachment_id: int) -> dict[str, Any]:
    """Get a link to a file

    For `<img>`, `<video>` and downloads: whoever has it gets the file without a token. It ends after `expires_in` seconds, and
    before that with the message, with your right to see it, and with your account.
    """
    return attachments.make_link(current_user, attachment_id, **args)


@bp.get("/<id:attachment_id>/signed")
@bp.response(200, BINARY, content_type="*/*")
@bp.alt_response(206, description="The part that `Range` asks for.", success=True)
@bp.alt_response(304, description="It is the one that you have.", success=True)
@bp.alt_response(412, "PRECONDITION_FAILED")
@bp.alt_response(416, "REQUESTED_RANGE_NOT_SATISFIABLE")
@bp.arguments(schemas_attachments.SignedArgs, location="query")
def get_signed_attachment(args: dict[str, Any], attachment_id: int) -> Response:
    """Download a file by a link

    The address comes from `link`. It answers like the file's own address, without a token.
    """
    return file_response(attachments.get_linked_file(attachment_id, **args))
