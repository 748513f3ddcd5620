"""Deletes the messages of a deleted room, in small transactions.

Nothing of them stays in the files of a SQLite database: what was deleted is wiped as after a hard deletion.
"""

from __future__ import annotations

import logging
import time

from sqlalchemy import exc, exists, select

from backend.attachments.removal import remove_files
from backend.conversations.deletion import delete_newest_messages
from backend.errors import NotFound
from backend.models import Conversation, Message, Room
from backend.models.base import db
from backend.models.conversation import room_conversation_id
from backend.traces import wipe_traces_in_background

log = logging.getLogger("confab.rooms")

BATCH = 2_000
"""Messages in one transaction. It is short enough for SQLite's write lock and the time limit of statements."""

SECONDS_IN_REQUEST = 2.0
"""How long the request that deletes a room also deletes its messages. `flask rooms purge` deletes the rest."""


def purge_room(room_id: int, seconds: float | None = None) -> bool:
    """Delete the messages of a deleted room with all that belongs to them, for at most *seconds*.

    Returns whether none are left. Commits each batch. The caller wipes their traces. Raises NotFound if the room is not deleted.
    """
    if db.session.scalar(select(Room.id).where(Room.id == room_id, Room.deleted_at.is_not(None))) is None:
        raise NotFound
    start = time.monotonic()
    while _purge_batch(room_id) == BATCH:
        if seconds is not None and time.monotonic() - start >= seconds:
            return False
    return True


def purge_after_deletion(room_id: int) -> None:
    """Start to purge a room whose deletion was committed. A failure is logged; the room stays deleted.

    The traces of what was deleted are wiped from the files of a SQLite database within a few seconds.
    """
    try:
        is_done = purge_room(room_id, SECONDS_IN_REQUEST)
    except exc.SQLAlchemyError as error:
        db.session.rollback()
        log.warning("purge failed", extra={"data": {"room_id": room_id, "reason": type(error).__name__}})
        return
    finally:
        wipe_traces_in_background(db.engine)
    if not is_done:
        log.info("purge unfinished: run `flask rooms purge`", extra={"data": {"room_id": room_id}})


def list_unpurged() -> list[int]:
    """The deleted rooms that still have messages."""
    has_messages = exists().where(Message.conversation_id == Conversation.id)
    statement = select(Room.id).join(Conversation, Conversation.room_id == Room.id)
    return list(db.session.scalars(statement.where(Room.deleted_at.is_not(None), has_messages).order_by(Room.id)))


def _purge_batch(room_id: int) -> int:
    count = delete_newest_messages(room_conversation_id(room_id), BATCH)
    db.session.commit()
    remove_files()
    return count
