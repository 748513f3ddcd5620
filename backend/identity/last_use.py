"""Records when a session, an API token or a user was last in use."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Table, select, update

from backend.database import UNAVAILABLE
from backend.models.base import db, utcnow

log = logging.getLogger("confab.auth")

RESOLUTION = timedelta(minutes=1)
"""How old the recorded time may become: a write for every request would cost more than the request."""


def is_stale(at: datetime | None) -> bool:
    """True if the use must be recorded again."""
    return at is None or at < utcnow() - RESOLUTION


def record_use(column: str, *rows: tuple[Table, set[int]]) -> None:
    """Write the present time to *column* of the rows with these ids.

    Skips locked rows, so that no request waits for it, and only logs that the database takes no writes.
    """
    try:
        with db.engine.begin() as connection:
            for table, ids in rows:
                unlocked = select(table.c.id).where(table.c.id.in_(ids)).with_for_update(skip_locked=True)
                values = {column: utcnow(), "updated_at": table.c.updated_at}
                connection.execute(update(table).where(table.c.id.in_(unlocked)).values(values))
    except UNAVAILABLE as error:
        log.warning("%s was not recorded: %s", column, type(error).__name__)
