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

bp = Blueprint("attachments", __name__, url_prefix="/api/chat/attachments", description="Files attached to messages.")


@bp.post("")
@bp.response(201, schemas_attachments.AttachmentSchema)
@login_required
@own_answer
@upload
@bp.arguments(schemas_attachments.AttachmentBody, location="files")
def create_attachment(files: dict[str, Any]) -> dict[str, Any]:
    """Upload a file

    Send its id with a message (`attachment_ids`) within a day. Until then only you can see it. The content type is
    determined from the bytes. An image has a thumbnail and dimensions, unless it is damaged or has too many pixels.
    """
    file = files["file"]
    return create(current_user, file.filename, file.stream)


@bp.get("/<id:attachment_id>")
@bp.response(200, BINARY, content_type="*/*")
@bp.alt_response(206, description="The requested range.", success=True)
@bp.alt_response(304, description="Your copy is current.", success=True)
@bp.alt_response(412, "PRECONDITION_FAILED")
@bp.alt_response(416, "REQUESTED_RANGE_NOT_SATISFIABLE")
@login_required
@bp.arguments(schemas_attachments.FileArgs, location="query")
def get_attachment(args: dict[str, Any], attachment_id: int) -> Response:
    """Download a file

    You must be allowed to see its message. The answer has the content type of the file. `Range` and conditional requests work.
    Images, audio and video are inline; other files are downloads.
    """
    return file_response(attachments.get_file(current_user, attachment_id, **args))


@bp.get("/<id:attachment_id>/link")
@bp.response(200, schemas_attachments.AttachmentLinkSchema)
@login_required
@bp.arguments(schemas_attachments.FileArgs, location="query")
def get_attachment_link(args: dict[str, Any], attachment_id: int) -> dict[str, Any]:
    """Get a link to a file

    For `<img>`, `<video>` and downloads: the link returns the file without a token. It expires after `expires_in` seconds. It
    stops working earlier if the message or your account is deleted, or if you may no longer see the message.
    """
    return attachments.make_link(current_user, attachment_id, **args)


@bp.get("/<id:attachment_id>/signed")
@bp.response(200, BINARY, content_type="*/*")
@bp.alt_response(206, description="The requested range.", success=True)
@bp.alt_response(304, description="Your copy is current.", success=True)
@bp.alt_response(412, "PRECONDITION_FAILED")
@bp.alt_response(416, "REQUESTED_RANGE_NOT_SATISFIABLE")
@bp.arguments(schemas_attachments.SignedArgs, location="query")
def get_signed_attachment(args: dict[str, Any], attachment_id: int) -> Response:
    """Download a file by a link

    The URL comes from `link`. The answer is the same as that of the URL of the file. No token is needed.
    """
    return file_response(attachments.get_linked_file(attachment_id, **args))
