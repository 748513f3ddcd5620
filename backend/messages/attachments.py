"""Reading attachments. Users who may see a message may see its attachments; only the uploader may see an unsent one."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Row, select

from backend.attachments.links import LIFETIME_SECONDS, check_link, signed_link
from backend.attachments.sniffing import TEXT, is_safe_inline
from backend.errors import NotFound
from backend.messages.access import get_message_for
from backend.models import Attachment, User
from backend.models.base import db
from backend.models.message import AttachmentState
from backend.storage import storage
from backend.storage.files import File
from backend.users.access import get_active_user

THUMBNAIL_TYPE = "image/webp"


def get_attachment_for(user: User, attachment_id: int) -> Row[Any]:
    """Return the row of an attachment that *user* may see now. Raises NotFound."""
    is_ready = (Attachment.id == attachment_id, Attachment.state == AttachmentState.READY)
    row = db.session.execute(select(*Attachment.__table__.c).where(*is_ready)).one_or_none()
    if row is None:
        raise NotFound
    if row.message_id is not None:
        get_message_for(user, row.message_id)
    elif row.user_id != user.id:
        raise NotFound
    return row


def get_file(user: User, attachment_id: int, is_thumbnail: bool) -> File:
    """Return the file of an attachment that *user* may see, or its thumbnail. Raises NotFound, also if it has no thumbnail."""
    row = get_attachment_for(user, attachment_id)
    db.session.commit()  # returns the connection to the pool: the disk may be slow
    return _thumbnail_of(row) if is_thumbnail else _file_of(row)


def get_linked_file(attachment_id: int, holder_id: int, expires: int, signature: str, is_thumbnail: bool) -> File:
    """Like `get_file`, for a request with a signed link instead of a token.

    Raises NotFound if the link is invalid or has expired, or if its holder is deactivated or may no longer see the attachment.
    """
    check_link(attachment_id, holder_id, expires, signature)
    return get_file(get_active_user(holder_id), attachment_id, is_thumbnail)


def make_link(user: User, attachment_id: int, is_thumbnail: bool) -> dict[str, Any]:
    """Return a signed link to an attachment that *user* may see, or to its thumbnail. Raises NotFound like `get_file`."""
    row = get_attachment_for(user, attachment_id)
    if is_thumbnail and row.thumbnail_key is None:
        raise NotFound
    return {"url": signed_link(attachment_id, user.id, is_thumbnail), "expires_in": LIFETIME_SECONDS}


def _file_of(row: Row[Any]) -> File:
    content_type = f"{TEXT}; charset=utf-8" if row.content_type == TEXT else row.content_type
    is_inline = is_safe_inline(row.content_type, is_checked_image=row.width is not None)
    return _make_file(row, row.storage_key, row.filename, content_type, is_inline, row.size)


def _thumbnail_of(row: Row[Any]) -> File:
    if row.thumbnail_key is None:
        raise NotFound
    filename = f"{row.filename}.webp"
    return _make_file(row, row.thumbnail_key, filename, THUMBNAIL_TYPE, True, row.thumbnail_size)


def _make_file(row: Row[Any], key: str, filename: str, content_type: str, is_inline: bool, size: int | None) -> File:
    return File(
        filename=filename,
        content_type=content_type,
        is_inline=is_inline,
        size=storage().size(key) if size is None else size,
        etag=hashlib.sha256(key.encode()).hexdigest()[:24],
        modified_at=row.created_at,
        read=lambda start, length: storage().read(key, start, length),
    )
