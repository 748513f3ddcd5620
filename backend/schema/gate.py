"""A worker serves only a database that is at head: a wrong schema is met at the start, not by a user's request."""

from __future__ import annotations

import logging
import sys

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from backend.database import reading
from backend.models.base import db
from backend.schema.revisions import current_revision, head_revision, known_revisions

log = logging.getLogger("confab.schema")


def check_schema(app: Flask) -> None:
    """Called once by each worker before it serves; exits with one line where the database is not at head.

    A database that does not answer says nothing about its schema: the worker starts, answers 503 and is not ready
    (`/api/health/ready`) until it does. To refuse would turn a moment's absence into an end of the whole server.
    """
    try:
        fault = find_fault(app)
    except SQLAlchemyError as error:
        log.warning("the database does not answer, so its schema was not checked: %s", type(error).__name__)
        return
    if fault is not None:
        sys.exit(f"confab: {fault}")


def find_fault(app: Flask) -> str | None:
    """One line on what keeps this code from serving this database, with the remedy; None where nothing does."""
    with app.app_context(), reading(db.engine).connect() as connection:
        return describe_fault(current_revision(connection))


def describe_fault(current: str | None) -> str | None:
    """Like `find_fault`, for a database that says it is at *current*."""
    head = head_revision()
    if current == head:
        return None
    if current is None:
        return f"The database has no revision, and this code needs {head}. Run: flask db upgrade"
    if current in known_revisions():
        return f"The database is at revision {current}, and this code needs {head}. Run: flask db upgrade"
    return (
        f"The database is at revision {current}, which this code does not know (it needs {head}). "
        "Newer code made it: upgrade the code. A database of another program: flask db upgrade adopts it."
    )
