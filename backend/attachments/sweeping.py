"""The sweep of attachments: deletes those that were not sent in time, and the remains of interrupted uploads and removals.

It compares rows and files in both directions. A file without a row is deleted. A row without a file is deleted if the
attachment was not sent. The missing file of a sent attachment is logged, because the message still shows the attachment.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from backend.attachments.removal import mark_removed, remove_files
from backend.attachments.upload import FOLDER, THUMBNAIL_SUFFIX
from backend.database import read_all
from backend.errors import ChatError
from backend.models import Attachment
from backend.models.base import db, utcnow
from backend.models.message import AttachmentState
from backend.storage import storage

log = logging.getLogger("confab.attachments")

UNSENT_KEPT = timedelta(days=1)
INCOMPLETE_KEPT = timedelta(hours=1)
"""Files and pending rows younger than this may belong to uploads and removals in progress."""

RECENT_DAYS = 31
"""How many days of files the regular sweep compares. A crash leaves only recent files behind."""

PAGE = 1000
"""Rows that are read at a time."""


@dataclass
class Sweep:
    """The result of a sweep."""

    stray_files: int = 0
    """Deleted files that had no row."""

    incomplete_files: int = 0
    """Deleted files whose write to the storage was interrupted."""

    lost_rows: int = 0
    """Deleted rows of unsent attachments whose file or thumbnail was missing."""

    lost_files: int = 0
    """Sent attachments whose file or thumbnail is missing."""

    is_complete: bool = True
    """False if the storage or the database prevented a removal."""


def sweep() -> None:
    """Delete unused attachments, and recent files without a row. Safe to repeat, and to run concurrently.

    Raises errors of SQLAlchemy. If the storage is not available, this is logged, and the next sweep tries again.
    """
    try:
        _sweep_unused(Sweep(), utcnow(), RECENT_DAYS)
    except ChatError as error:
        log.warning("the next sweep will check the attachments again", extra={"data": {"reason": type(error).__name__}})


def sweep_all() -> Sweep:
    """Like `sweep` for all files; also look for the file of each row.

    Raises StorageAway, Busy and errors of SQLAlchemy.
    """
    done, now = Sweep(), utcnow()
    keys = _sweep_unused(done, now)
    _find_lost(keys, now - INCOMPLETE_KEPT, done)
    done.is_complete = remove_files() and done.is_complete
    if done.lost_files:
        log.error("files of sent attachments are missing", extra={"data": {"count": done.lost_files}})
    return done


def _sweep_unused(done: Sweep, now: datetime, days: int | None = None) -> set[str]:
    """Delete unused attachments, and files without a row.

    Compares the files of the last *days*, or all files, and returns their keys.
    """
    _mark_unused(now)
    done.is_complete = remove_files()
    files = storage()
    done.incomplete_files = files.remove_incomplete(now - INCOMPLETE_KEPT)
    oldest = "" if days is None else f"{now - timedelta(days=days):%Y-%m-%d}"
    keys: set[str] = set()
    for day in files.folders(FOLDER):
        if day >= oldest:
            for batch in files.files(f"{FOLDER}/{day}"):
                keys.update(file.key for file in batch)
                for key in _without_row([file.key for file in batch if file.modified_at < now - INCOMPLETE_KEPT]):
                    files.delete(key)
                    done.stray_files += 1
    return keys


def _mark_unused(now: datetime) -> None:
    """Mark the attachments that were not sent in time, and those whose upload was interrupted.

    An attachment that a concurrent send has locked is kept: the database evaluates the condition again after the lock.
    """
    is_unsent = Attachment.message_id.is_(None)
    with db.engine.begin() as connection:
        for state, kept in ((AttachmentState.READY, UNSENT_KEPT), (AttachmentState.PENDING, INCOMPLETE_KEPT)):
            mark_removed(connection, is_unsent, Attachment.state == state, Attachment.created_at < now - kept)


def _without_row(keys: list[str]) -> list[str]:
    """Return the *keys* that no row contains."""
    names = {key.removesuffix(THUMBNAIL_SUFFIX) for key in keys}
    rows = read_all(db.engine, select(Attachment.storage_key).where(Attachment.storage_key.in_(names)))
    known = {row.storage_key for row in rows}
    return [key for key in keys if key.removesuffix(THUMBNAIL_SUFFIX) not in known]


def _find_lost(keys: set[str], before: datetime, done: Sweep) -> None:
    """Find the rows older than *before* whose file or thumbnail is not among *keys*.

    Mark those of unsent attachments, and count the others.
    """
    last = 0
    a = Attachment
    wanted = select(a.id, a.storage_key, a.thumbnail_key, a.message_id).order_by(a.id).limit(PAGE)
    is_ready = (a.state == AttachmentState.READY, a.created_at < before)
    while rows := read_all(db.engine, wanted.where(*is_ready, a.id > last)):
        lost = [row for row in rows if not _keys_of(row) <= keys]
        unsent = [row.id for row in lost if row.message_id is None]
        if unsent:
            with db.engine.begin() as connection:
                mark_removed(connection, a.id.in_(unsent), a.message_id.is_(None))
        done.lost_rows += len(unsent)
        done.lost_files += len(lost) - len(unsent)
        last = rows[-1].id


def _keys_of(row: Row[Any]) -> set[str]:
    """The keys of an attachment below `FOLDER`: that of its file, and that of its thumbnail if it has one."""
    return {key for key in (row.storage_key, row.thumbnail_key) if key and key.startswith(f"{FOLDER}/")}
