"""The tombstone: the one user to whom the messages of all erased users belong."""

from __future__ import annotations

from sqlalchemy import select

from backend.models import User
from backend.models.base import db, insert_on_conflict, utcnow

USERNAME = "deleted user"
"""It contains a space, so nobody can choose it."""

FULL_NAME = "Deleted user"


def tombstone_id() -> int:
    """The id of the tombstone. Its row is created and committed with the first call. Nobody can sign in as it."""
    statement = select(User.id).where(User.username == USERNAME)
    found: int | None = db.session.scalar(statement)
    if found is not None:
        return found
    values = {"username": USERNAME, "full_name": FULL_NAME, "is_active": False, "deleted_at": utcnow()}
    db.session.execute(insert_on_conflict(User).values(values).on_conflict_do_nothing())
    db.session.commit()
    return db.session.scalars(statement).one()


def is_tombstone(user: User) -> bool:
    """Whether *user* is the tombstone."""
    return user.username == USERNAME
