"""Checks at the start of a worker that the database has the schema that the code needs, so that no request meets a wrong one.

Each fault is one line with the problem and the command that repairs it.
"""

from __future__ import annotations

import logging
import sys

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from backend.database import read_engine
from backend.extensions import Base, db
from backend.schema.revisions import current_revisions, head_revision, head_revisions, known_revisions, may_serve

log = logging.getLogger("confab.schema")


class ModelFault(Exception):
    """The models are wrong. The message is one line with the remedy."""


def check_schema(app: Flask) -> None:
    """Exit with one line if this worker cannot serve the database. Each worker calls this before it serves.

    If the database does not answer, its schema is unknown. The worker then starts, answers 503 and is not ready
    (`/api/health/ready`) until it does. Otherwise a short outage would stop the whole server.
    """
    try:
        fault = find_fault(app)
    except SQLAlchemyError as error:
        log.warning("the database does not answer, so its schema was not checked: %s", type(error).__name__)
        return
    if fault is not None:
        sys.exit(f"confab: {fault}")


def find_fault(app: Flask) -> str | None:
    """The reason why this code cannot serve the database, in one line with the remedy. None if it can."""
    if (fault := find_second_instance(app)) is not None:
        return fault
    with app.app_context(), read_engine(db.engine).connect() as connection:
        return find_revision_fault(connection) or find_missing(connection)


def find_revision_fault(connection: Connection) -> str | None:
    """Like `find_fault`, but checks only the revision of the database."""
    heads = head_revisions()
    if len(heads) > 1:
        return (
            f"The code has {len(heads)} heads of migrations: {', '.join(heads)}. "
            "Run: flask db merge heads, and commit what it writes"
        )
    current = current_revisions(connection)
    is_ahead = len(current) == 1 and not set(current) & known_revisions()
    allowed = may_serve(connection, current) if is_ahead else frozenset()
    return describe_fault(", ".join(current) or None, allowed)


def describe_fault(current: str | None, allowed: frozenset[str] = frozenset()) -> str | None:
    """The fault of a database at revision *current*, which code of the revisions *allowed* may serve. None if there is none."""
    head = head_revision()
    if current == head or head in allowed:
        return None
    if current is None:
        return f"The database has no revision, and this code needs {head}. Run: flask db upgrade"
    if current in known_revisions():
        return f"The database is at revision {current}, and this code needs {head}. Run: flask db upgrade"
    if ", " in current:
        return (
            f"The database is at {current.count(', ') + 1} revisions at once: {current}, and this code needs {head}. "
            "Find out with flask doctor which one is true, and run: flask db stamp --purge REVISION && flask db upgrade"
        )
    return (
        f"The database is at revision {current}, which this code does not know (it needs {head}). "
        "Newer code made it: upgrade the code. A database of another program: flask db upgrade adopts it."
    )


def find_missing(connection: Connection) -> str | None:
    """A line about tables and columns that are missing at the right revision: it was stamped by hand, or they were dropped."""
    found = {
        name: {c["name"] for c in columns} for (_, name), columns in inspect(connection).get_multi_columns().items()
    }
    missing = [
        f"column {table.name}.{column.name}" if table.name in found else f"table {table.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name not in found.get(table.name, ())
    ]
    if not missing:
        return None
    missing = list(dict.fromkeys(missing))
    more = f", and {len(missing) - 1} more," if len(missing) > 1 else ""
    return f"The database is at {head_revision()}, but {missing[0]}{more} is missing. Run: flask doctor --repair-plan"


def find_second_instance(app: Flask) -> str | None:
    """A line about a second `SQLAlchemy()`. The first query of its models would fail with "not registered with this instance"."""
    if app.extensions.get("sqlalchemy") is not db:
        return "The application was bound to another SQLAlchemy() than backend.extensions.db. Bind only that one."
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in ("backend", "migrations"):
            continue
        for attribute, value in list(vars(module).items()):
            if isinstance(value, SQLAlchemy) and value is not db:
                return f"{name}.{attribute} is a second SQLAlchemy(). Import db from backend.extensions there instead."
    return None


def resolve_models() -> None:
    """Resolve every relationship at the start. Raises ModelFault if a class is missing."""
    try:
        configure_mappers()
    except SQLAlchemyError as error:
        reason = " ".join(str(error).split())
        raise ModelFault(
            f"A relationship of the models leads nowhere: {reason} Import the class in backend/models/__init__.py, "
            "or correct the name."
        ) from error
