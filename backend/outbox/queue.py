"""The queue of messages. `enqueue` adds to the caller's transaction; the sender claims, settles and sweeps.

All workers share the queue. A claim is a lease: if a worker dies, others can claim its messages when the lease ends. So a message
may be sent twice, and is never lost.
"""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, event, func, select, update

from backend.bulk import delete_in_batches
from backend.database import RoutedSession, read_engine
from backend.models import OutboxMessage
from backend.models.base import db, utcnow
from backend.security.encryption import decrypt, encrypt
from backend.state import confab_state

SMS, MAIL = "sms", "mail"
KINDS = (SMS, MAIL)
PURPOSE = "outbox"

LEASE = timedelta(seconds=90)
"""How long a claim is valid. It is longer than any attempt takes."""

MIN_RETRY_SECONDS, MAX_RETRY_SECONDS = 2.0, 600.0
KEPT = timedelta(days=7)
"""How long the row of a settled message is kept, without its text."""


def enqueue(kind: str, topic: str, payload: dict[str, Any], *, lifetime: timedelta, user_id: int | None = None) -> None:
    """Add a message to the current transaction, without committing it. It is not sent after *lifetime*."""
    now = utcnow()
    message = OutboxMessage(
        kind=kind,
        topic=topic,
        user_id=user_id,
        payload=encrypt(PURPOSE, json.dumps(payload)),
        next_attempt_at=now,
        expires_at=now + lifetime,
    )
    db.session.add(message)
    db.session.info["has_mail_to_send"] = True


@event.listens_for(RoutedSession, "after_commit")
def _wake_sender(session: RoutedSession) -> None:
    if session.info.pop("has_mail_to_send", False):
        confab_state().outbox.wake()


@event.listens_for(RoutedSession, "after_rollback")
def _discard(session: RoutedSession) -> None:
    session.info.pop("has_mail_to_send", None)


def count_recent(user_id: int, topic: str, within: timedelta) -> int:
    """How many messages of *topic* were added for a user *within* this time."""
    counted = select(func.count()).where(
        OutboxMessage.user_id == user_id, OutboxMessage.topic == topic, OutboxMessage.created_at > utcnow() - within
    )
    return db.session.scalar(counted) or 0


def claim(kind: str, limit: int) -> list[Row[Any]]:
    """Claim up to *limit* due messages of *kind*, those that waited longest first. The claim ends with the lease."""
    now = utcnow()
    due = (OutboxMessage.kind == kind, OutboxMessage.next_attempt_at <= now)
    wanted = select(OutboxMessage.id).where(*due).order_by(OutboxMessage.next_attempt_at, OutboxMessage.id).limit(limit)
    with read_engine(db.engine).connect() as connection:
        # Workers poll every second. A poll that finds nothing must be cheap, and must not take SQLite's write lock.
        if connection.execute(wanted.limit(1)).first() is None:
            return []
    with db.engine.begin() as connection:
        ids = connection.scalars(wanted.with_for_update(skip_locked=True)).all()
        taken = (
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(ids))
            .values(attempts=OutboxMessage.attempts + 1, next_attempt_at=now + LEASE)
            .returning(
                OutboxMessage.id,
                OutboxMessage.kind,
                OutboxMessage.topic,
                OutboxMessage.payload,
                OutboxMessage.attempts,
                OutboxMessage.expires_at,
            )
        )
        rows: list[Row[Any]] = list(connection.execute(taken))
    return sorted(rows, key=lambda row: ids.index(row.id))


def payload_of(row: Row[Any]) -> dict[str, Any]:
    """The decrypted payload. Raises DecryptionError if SECRET_KEY has changed."""
    payload: dict[str, Any] = json.loads(decrypt(PURPOSE, row.payload))
    return payload


def settle_sent(row: Row[Any]) -> None:
    """Mark a message as sent, and delete its text."""
    _settle(row, payload=None, next_attempt_at=None, sent_at=utcnow(), last_error=None)


def mark_dead(row: Row[Any], error: str) -> None:
    """Give a message up, and delete its text."""
    _settle(row, payload=None, next_attempt_at=None, given_up_at=utcnow(), last_error=error[:255])


def settle_failed(row: Row[Any], error: str) -> bool:
    """Schedule a retry after twice the last delay, plus or minus 20 %. Returns False, and gives up, if that is too late."""
    wait = min(MIN_RETRY_SECONDS * 2 ** min(row.attempts - 1, 20), MAX_RETRY_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311
    next_attempt_at = utcnow() + timedelta(seconds=wait)
    if next_attempt_at >= row.expires_at:
        mark_dead(row, error)
        return False
    _settle(row, next_attempt_at=next_attempt_at, last_error=error[:255])
    return True


def _settle(row: Row[Any], **values: Any) -> None:
    # If the lease has ended, another worker may have claimed the row and increased `attempts`. Then nothing is changed.
    mine = (OutboxMessage.id == row.id, OutboxMessage.attempts == row.attempts)
    with db.engine.begin() as connection:
        connection.execute(update(OutboxMessage).where(*mine).values(**values))


def sweep() -> None:
    """Delete the messages that were settled a week ago."""
    delete_in_batches(
        OutboxMessage, OutboxMessage.next_attempt_at.is_(None), OutboxMessage.created_at < utcnow() - KEPT
    )


def status() -> list[dict[str, Any]]:
    """For each kind: how many messages are pending, have failed, or were sent or given up within a week; and the oldest's age."""
    now = utcnow()
    found = []
    for kind in KINDS:
        mine = OutboxMessage.kind == kind
        waiting = (mine, OutboxMessage.next_attempt_at.is_not(None))
        oldest = db.session.scalar(select(func.min(OutboxMessage.created_at)).where(*waiting))
        found.append(
            {
                "kind": kind,
                "waiting": _count(*waiting),
                "failing": _count(*waiting, OutboxMessage.last_error.is_not(None)),
                "oldest_seconds": round((now - oldest).total_seconds()) if oldest else 0,
                "sent": _count(mine, OutboxMessage.sent_at.is_not(None)),
                "given_up": _count(mine, OutboxMessage.given_up_at.is_not(None)),
            }
        )
    return found


def _count(*which: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(OutboxMessage).where(*which)) or 0
