"""Removing attachments: the row is marked in the transaction that decides it, and the bytes go after the commit.

The row goes last. What a crash leaves is marked, and the sweep removes it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, exc, select, update

from backend.bulk import BATCH_SIZE, execute_together
from backend.database import read_all
from backend.errors import ChatError
from backend.models import Attachment
from backend.models.base import db
from backend.models.message import AttachmentState
from backend.storage import Storage, storage

log = logging.getLogger("confab.attachments")


def delete_for_messages(message_ids: Collection[int]) -> list[int]:
    """Take the attachments of *message_ids* from their messages, and mark them for removal. Does not commit.

    Call it before the messages themselves are deleted. Returns the ids of the attachments: give them to `remove_files` after
    the commit. No name stays, and the bytes cannot be read any more.
    """
    return mark_removed(Attachment.message_id.in_(message_ids)) if message_ids else []


def mark_removed(*which: ColumnElement[bool]) -> list[int]:
    """Mark the attachments for which all of *which* hold, and return their ids. Does not commit."""
    values = {"state": AttachmentState.REMOVED, "message_id": None, "filename": ""}
    statement = update(Attachment).where(*which).values(values).returning(Attachment.id)
    return list(db.session.scalars(statement.execution_options(synchronize_session=False)))


def remove_files(ids: Sequence[int] | None = None) -> bool:
    """Remove the bytes and then the rows of marked attachments: of *ids*, or of all. Returns whether all are gone.

    Call it after the commit. Never fails: what cannot be removed now is left to the sweep, and logged.
    """
    try:
        if ids is None:
            ids = [
                row.id
                for row in read_all(db.engine, select(Attachment.id).where(Attachment.state == AttachmentState.REMOVED))
            ]
        for start in range(0, len(ids), BATCH_SIZE):
            _remove_batch(ids[start : start + BATCH_SIZE])
    except (ChatError, exc.SQLAlchemyError) as error:
        log.warning("attachments wait for their removal", extra={"data": {"reason": type(error).__name__}})
        return False
    return True


def _remove_batch(ids: Sequence[int]) -> None:
    marked = (Attachment.id.in_(ids), Attachment.state == AttachmentState.REMOVED)
    rows = read_all(db.engine, select(Attachment.id, Attachment.storage_key, Attachment.thumbnail_key).where(*marked))
    files = storage() if rows else None
    for row in rows:
        _delete_both(files, row.storage_key, row.thumbnail_key)
    if rows:
        execute_together(delete(Attachment).where(*marked, Attachment.id.in_([row.id for row in rows])))


def abandon(attachment_id: int, keys: Sequence[str | None]) -> None:
    """Remove the row and the bytes of an upload that failed. Never fails: the sweep finds what is left."""
    try:
        _delete_both(storage(), *keys)
        execute_together(delete(Attachment).where(Attachment.id == attachment_id))
    except (ChatError, exc.SQLAlchemyError) as error:
        log.warning("a failed upload waits for its removal", extra={"data": {"reason": type(error).__name__}})


def _delete_both(files: Storage | Any, *keys: str | None) -> None:
    for key in keys:
        if key is not None:
            files.delete(key)
