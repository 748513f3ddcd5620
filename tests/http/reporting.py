"""Confab with views that fail, one of them with a password in a local variable."""

from __future__ import annotations

import logging
from typing import Any

from flask import abort, request
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from backend import create_app
from backend.models.base import db

__all__ = ["app"]
app = create_app()


@app.post("/api/lab/crash/<name>")
def crash(name: str) -> Any:
    password = request.get_json()["password"]
    log = logging.getLogger("confab.lab")
    log.error("%s without an exception", password)
    try:
        raise KeyError(password)
    except KeyError as error:
        error.add_note(password)
        raise RuntimeError(f"{password} {name} {request.headers} {request.cookies}") from error


@app.post("/api/lab/database/<kind>")
def fail_in_database(kind: str) -> Any:
    """On the database of the application, or on one of SQLite."""
    statement = text("SELECT * FROM no_such_table WHERE x = :x"), {"x": request.get_json()["password"]}
    if kind == "sqlite":
        with create_engine("sqlite://").connect() as connection:
            connection.execute(*statement)
    db.session.execute(*statement)


@app.post("/api/lab/away")
def lose_database() -> Any:
    raise OperationalError("planted", None, ConnectionError("planted"), connection_invalidated=True)


@app.post("/api/lab/refuse/<int:status>")
def refuse(status: int) -> Any:
    abort(status)
