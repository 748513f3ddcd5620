"""What remains to be done when a room was deleted: its messages go, in batches that hold nobody up."""

from __future__ import annotations

import logging
import time

from sqlalchemy import exc, exists, select

from backend.conversations.deletion import delete_newest_messages
from backend.errors import NotFound
from backend.models import Conversation, Message, Room
from backend.models.base import db
from backend.models.conversation import room_conversation_id

log = logging.getLogger("confab.rooms")

BATCH = 2_000
"""How many messages go in one transaction: few enough that a lock on SQLite, or a statement's time limit, is no matter."""

SECONDS_IN_REQUEST = 2.0
"""How long the request that deletes a room goes on purging. `flask rooms purge` does the rest."""


def purge_room(room_id: int, seconds: float | None = None) -> bool:
    """Delete the messages of a deleted room and what hangs on them, until done or until *seconds* have passed.

    Returns whether nothing is left. Commits each batch. Raises NotFound where the room was not deleted.
    """
    if db.session.scalar(select(Room.id).where(Room.id == room_id, Room.deleted_at.is_not(None))) is None:
        raise NotFound
    start = time.monotonic()
    while _purge_batch(room_id) == BATCH:
        if seconds is not None and time.monotonic() - start >= seconds:
            return False
    return True


def purge_after_deletion(room_id: int) -> None:
    """Begin to purge a room whose deletion was committed. A failure is logged: the deletion stands either way."""
    try:
        is_done = purge_room(room_id, SECONDS_IN_REQUEST)
    except exc.SQLAlchemyError as error:
        db.session.rollback()
        log.warning("purge failed", extra={"data": {"room_id": room_id, "reason": type(error).__name__}})
        return
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
    return count
