"""Which errors mean that the database is unreachable, that a statement waited too long, or that it is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from flask import Flask
from sqlalchemy import create_engine, exc, select, text

from backend.database import is_outage, is_unavailable, read_engine
from backend.models import Block
from backend.models.base import db
from tests.processes import free_port
from tests.services import PrivatePostgres


def failure_of(statement: str, **values: object) -> exc.SQLAlchemyError:
    with pytest.raises(exc.SQLAlchemyError) as caught, db.engine.connect() as connection:
        connection.execute(text(statement), values)
    return caught.value


def test_the_names_in_a_statement_do_not_make_it_an_outage(app: Flask) -> None:
    with app.app_context():
        for name in ("blocked_id", "busy", "disk", "readonly"):
            error = failure_of(f"SELECT {name} FROM no_such_table")
            assert not is_unavailable(error)
            assert not is_outage(error)


def test_too_many_values_are_not_an_outage(sqlite_app: Flask) -> None:
    """The table's own column `blocked_id` contains a word of SQLite's message about a locked database."""
    with sqlite_app.app_context(), db.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        before = raw.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 2)
        try:
            with pytest.raises(exc.OperationalError, match="too many SQL variables") as caught:
                connection.execute(select(Block.blocked_id).where(Block.user_id.in_([1, 2, 3])))
        finally:
            raw.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)
    assert not is_unavailable(caught.value)
    assert not is_outage(caught.value)


def test_a_full_disk_is_an_outage(sqlite_app: Flask) -> None:
    with sqlite_app.app_context(), db.engine.connect() as connection:
        pages, free, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        try:
            with pytest.raises(exc.OperationalError) as caught:
                # Rows that other tests deleted leave free pages in the file.
                connection.exec_driver_sql(f"CREATE TABLE large AS SELECT randomblob({(free + 1) * size}) AS bytes")
        finally:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
    assert is_unavailable(caught.value)
    assert is_outage(caught.value)


@pytest.mark.parametrize(
    "statement", ["SET statement_timeout = 50; SELECT pg_sleep(5)", "SELECT * FROM users FOR UPDATE NOWAIT"]
)
def test_a_statement_that_waited_too_long_is_unavailable_but_no_outage(
    postgresql_app: Flask, wiped: None, statement: str
) -> None:
    with postgresql_app.app_context():
        with db.engine.begin() as other:
            other.exec_driver_sql("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            error = failure_of(statement)
        assert is_unavailable(error)
        assert not is_outage(error)


def test_an_unreachable_server_is_an_outage() -> None:
    engine = create_engine(f"postgresql+psycopg2://confab@127.0.0.1:{free_port()}/confab")
    with pytest.raises(exc.OperationalError) as caught:
        engine.connect()
    assert is_unavailable(caught.value)
    assert is_outage(caught.value)


def test_a_connection_that_the_server_closes_is_an_outage(postgresql_app: Flask) -> None:
    with postgresql_app.app_context():
        error = failure_of("SELECT pg_terminate_backend(pg_backend_pid())")
    assert is_unavailable(error)
    assert is_outage(error)


def test_connections_that_a_restart_closed_are_replaced_before_they_are_used(make_app: Callable[..., Flask]) -> None:
    """No request pays for a restart that was over before it came."""
    with PrivatePostgres() as postgres:
        app = make_app({"DATABASE_URL": postgres.new_database("restarted")})
        with app.app_context():
            for engine in (db.engine, read_engine(db.engine)):
                with ExitStack() as stack:
                    for _ in range(3):
                        stack.enter_context(engine.connect()).execute(text("SELECT 1"))
            postgres.stop()
            postgres.start()
            for engine in (db.engine, read_engine(db.engine)):
                with ExitStack() as stack:
                    for _ in range(3):
                        assert stack.enter_context(engine.connect()).scalar(text("SELECT 1")) == 1
            db.engine.dispose()
