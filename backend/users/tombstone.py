"""The one row under which the messages of the erased stay."""

from __future__ import annotations

from sqlalchemy import select

from backend.models import User
from backend.models.base import db, insert_on_conflict, utcnow

USERNAME = "deleted user"
"""The space makes it a name that nobody can choose."""

FULL_NAME = "Deleted user"


def tombstone_id() -> int:
    """The id of that row, which is made with its first use and committed at once. It is nobody's, and nobody signs in to it."""
    statement = select(User.id).where(User.username == USERNAME)
    found: int | None = db.session.scalar(statement)
    if found is not None:
        return found
    values = {"username": USERNAME, "full_name": FULL_NAME, "is_active": False, "deleted_at": utcnow()}
    db.session.execute(insert_on_conflict(User).values(values).on_conflict_do_nothing())
    db.session.commit()
    return db.session.scalars(statement).one()


def is_tombstone(user: User) -> bool:
    """Whether *user* is that row."""
    return user.username == USERNAME
