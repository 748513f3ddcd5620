"""Uploading an attachment: first the row is stored, then the file; then the attachment is ready to be sent.

The row is committed as `pending` before the file is written. After a crash the sweep finds the row and removes both.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy import func, select, update

from backend.attachments.filenames import clean_filename
from backend.attachments.removal import abandon
from backend.attachments.serialise import attachment_json
from backend.attachments.sniffing import HEAD_BYTES, IMAGES, sniff
from backend.errors import InsufficientStorage, TokenRevoked, ValidationFailed
from backend.models import Attachment, User
from backend.models.base import db, utcnow
from backend.models.message import AttachmentState
from backend.storage import storage
from backend.storage.images import NoImage, Thumbnail, thumbnail
from backend.users.access import lock_self

FOLDER = "attachments"
"""The folder of attachments in the storage. It has a folder for each day, so that a sweep need not list all files."""

THUMBNAIL_SIDE = 512
THUMBNAIL_SUFFIX = ".webp"


class QuotaExceeded(InsufficientStorage):
    code = "quota_exceeded"
    detail = "This file would exceed your storage quota. Delete messages with attachments, or send a smaller file."


@dataclass(frozen=True)
class Upload:
    """A received file and its properties."""

    source: BinaryIO
    filename: str
    size: int
    content_type: str
    thumbnail: Thumbnail | None


def create_attachment(user: User, filename: str | None, source: BinaryIO) -> dict[str, Any]:
    """Store the file in *source*, which must be seekable, as an unsent attachment of *user*.

    The content type is determined from the bytes. An image gets a thumbnail, unless it is damaged or has too many pixels.
    After a failure the row and the files are removed. Raises ValidationFailed for an empty file, QuotaExceeded,
    InsufficientStorage, Busy, StorageAway, and TokenRevoked if the account was erased meanwhile.
    """
    upload = _examine(source, filename, str(user.id))
    attachment = _add_pending(user, upload)
    keys = attachment.storage_key, attachment.thumbnail_key
    attachment_id = attachment.id
    db.session.commit()  # the row, before the file is written
    try:
        _write(upload, *keys)
        answer = _make_ready(attachment_id)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        abandon(attachment_id, keys)
        raise
    return answer


def _examine(source: BinaryIO, filename: str | None, owner: str) -> Upload:
    size = source.seek(0, 2)
    if not size:
        raise ValidationFailed.of("file", "The file is empty.")
    source.seek(0)
    content_type = sniff(source.read(HEAD_BYTES))
    source.seek(0)
    small = _thumbnail_of(source, owner) if content_type in IMAGES else None
    source.seek(0)
    return Upload(source, clean_filename(filename), size, content_type, small)


def _thumbnail_of(source: BinaryIO, owner: str) -> Thumbnail | None:
    """Return None for an image that is damaged or too large to decode. Such a file is only offered as a download."""
    try:
        return thumbnail(source, THUMBNAIL_SIDE, owner)
    except (NoImage, ValidationFailed):
        return None


def _add_pending(user: User, upload: Upload) -> Attachment:
    """Check the quota and add the row. The user is locked, so that concurrent uploads cannot exceed the quota."""
    lock_self(user)
    quota = current_app.config["CONFAB"].upload_quota_bytes
    if quota and _used_bytes(user.id) + upload.size > quota:
        raise QuotaExceeded
    now = utcnow()
    key = f"{FOLDER}/{now:%Y-%m-%d}/{secrets.token_urlsafe(18)}"
    small = upload.thumbnail
    attachment = Attachment(
        user_id=user.id,
        filename=upload.filename,
        content_type=upload.content_type,
        size=upload.size,
        storage_key=key,
        thumbnail_key=key + THUMBNAIL_SUFFIX if small else None,
        state=AttachmentState.PENDING,
        thumbnail_size=len(small.data) if small else None,
        width=small.width if small else None,
        height=small.height if small else None,
        created_at=now,
    )
    db.session.add(attachment)
    db.session.flush()
    return attachment


def _used_bytes(user_id: int) -> int:
    kept = (Attachment.user_id == user_id, Attachment.state != AttachmentState.REMOVED)
    return int(db.session.scalar(select(func.coalesce(func.sum(Attachment.size), 0)).where(*kept)) or 0)


def _write(upload: Upload, key: str, thumbnail_key: str | None) -> None:
    storage().write(key, upload.source)
    if upload.thumbnail is not None and thumbnail_key is not None:
        storage().write(thumbnail_key, BytesIO(upload.thumbnail.data))


def _make_ready(attachment_id: int) -> dict[str, Any]:
    """Raises TokenRevoked if the row was removed meanwhile, which happens when the account is erased."""
    is_pending = (Attachment.id == attachment_id, Attachment.state == AttachmentState.PENDING)
    statement = update(Attachment).where(*is_pending).values(state=AttachmentState.READY)
    statement = statement.execution_options(synchronize_session=False)
    row = db.session.execute(statement.returning(*Attachment.__table__.c)).one_or_none()
    if row is None:
        raise TokenRevoked
    return attachment_json(row)
