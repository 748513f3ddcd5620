"""Removing attachments. The transaction marks the row; after the commit the files are deleted, and then the row.

After a crash the row is still marked, and the sweep finishes the removal.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import cast

from sqlalchemy import ColumnElement, Table, delete, exc, select, update

from backend.bulk import BATCH_SIZE, execute_together
from backend.database import Executor, read_all
from backend.errors import ChatError
from backend.models import Attachment
from backend.models.base import db
from backend.models.message import AttachmentState
from backend.storage import Storage, storage

log = logging.getLogger("confab.attachments")


def delete_for_messages(executor: Executor, message_ids: Collection[int]) -> None:
    """Detach the attachments of *message_ids* from their messages, and mark them for removal. Does not commit.

    Call this before the messages are deleted, and `remove_files` after the commit. The filenames are erased, and the files can
    no longer be downloaded.
    """
    if message_ids:
        mark_removed(executor, Attachment.message_id.in_(message_ids))


def mark_removed(executor: Executor, *which: ColumnElement[bool]) -> None:
    """Mark the attachments that fulfil all conditions *which* for removal. Does not commit."""
    values = {"state": AttachmentState.REMOVED, "message_id": None, "filename": ""}
    executor.execute(update(cast(Table, Attachment.__table__)).where(*which).values(values))


def remove_files() -> bool:
    """Delete the files and then the rows of all marked attachments. Returns True if none remain.

    Call this after the commit. Never fails: a failure is logged, and the sweep tries again.
    """
    marked = (Attachment.message_id.is_(None), Attachment.state == AttachmentState.REMOVED)
    wanted = select(Attachment.id, Attachment.storage_key, Attachment.thumbnail_key).where(*marked)
    try:
        while rows := read_all(db.engine, wanted.order_by(Attachment.id).limit(BATCH_SIZE)):
            for row in rows:
                _delete_both(storage(), row.storage_key, row.thumbnail_key)
            execute_together(delete(Attachment).where(Attachment.id.in_([row.id for row in rows])))
    except (ChatError, exc.SQLAlchemyError) as error:
        log.warning("the sweep will remove attachments later", extra={"data": {"reason": type(error).__name__}})
        return False
    return True


def abandon(attachment_id: int, keys: Sequence[str | None]) -> None:
    """Delete the files and the row of an upload that failed. Never fails: the sweep tries again."""
    try:
        _delete_both(storage(), *keys)
        execute_together(delete(Attachment).where(Attachment.id == attachment_id))
    except (ChatError, exc.SQLAlchemyError) as error:
        log.warning("the sweep will remove a failed upload later", extra={"data": {"reason": type(error).__name__}})


def _delete_both(files: Storage, *keys: str | None) -> None:
    for key in keys:
        if key is not None:
            files.delete(key)
