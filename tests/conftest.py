"""Fixtures for all tests. Services (PostgreSQL, Redis) come from `plugin_services`."""

from __future__ import annotations

import gc
import itertools
import shutil
import sqlite3
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, event

from backend import create_app
from backend.database import ensure_prepared
from backend.models.base import Base, db
from backend.security import hashing
from config import Config
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.packages import chromium_binary, headless_chromium_binary
from tests.services import Services

pytest_plugins = [
    "tests.plugin_order",
    "tests.plugin_server_logs",
    "tests.plugin_services",
    "tests.plugin_slow_browser",
]

PASSWORD = "password123"
BCRYPT_ROUNDS = hashing.BCRYPT_ROUNDS
"""The configured cost, before `quick_hashes` lowers it."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without a search for garbage: the thousands of tests stay, and searching them took half of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        # The usual 700, 10, 10 takes 6 % of the time of ordinary tests. The applications of past tests are found by the third
        # number: with 20 there were up to a million objects to look at, and a test stood still for 3 s.
        gc.set_threshold(10_000, 20, 5)
        gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Coverage of a test that drives a running server is not measured: the server's is, and both together take twice as long."""
    if "deployments" in getattr(item, "fixturenames", ()):
        item.add_marker("no_cover")


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lowest cost of bcrypt. `test_the_bcrypt_cost_is_12` checks the real one."""
    monkeypatch.setattr(hashing, "BCRYPT_ROUNDS", 4)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """How pytest-playwright starts a browser: the system's Chromium, which can only reach this machine."""
    # For names and addresses alike.
    offline = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    has_window = not browser_type_launch_args.get("headless", True)
    program = chromium_binary() if has_window else headless_chromium_binary()
    return {**browser_type_launch_args, "executable_path": program, "args": [offline]}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Tests name whole addresses. pytest-playwright's own fixture is of a kind that pytest 9 warns of."""


@pytest.fixture(scope="session")
def make_app(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Flask]:
    """Create applications with settings of their own: `make_app(database_url=..., rate_limits=True)`."""

    def make(environ: dict[str, str] | None = None, **overrides: object) -> Flask:
        instance = overrides.pop("instance_dir", None) or tmp_path_factory.mktemp("instance")
        settings = {"APP_ENV": "testing", "INSTANCE_DIR": str(instance), "RATE_LIMITS": "off", "LOG_LEVEL": "warning"}
        app = create_app(Config.from_env(settings | (environ or {}), **overrides))
        with app.app_context():
            if db.engine.dialect.name == "sqlite":
                event.listen(db.engine, "connect", _without_fsync)
        return app

    return make


def _without_fsync(connection: sqlite3.Connection, _record: object) -> None:
    """Without fsync, as the PostgreSQL of the tests, a commit takes 7 ms less, and only a crash of the machine loses data."""
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="session")
def sqlite_app(make_app: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    path: Path = tmp_path_factory.mktemp("sqlite") / "confab.db"
    return _migrated(make_app({"DATABASE_URL": f"sqlite:///{path}"}))


@pytest.fixture(scope="session")
def postgresql_app(make_app: Callable[..., Flask], postgres_url: str) -> Flask:
    return _migrated(make_app({"DATABASE_URL": postgres_url}))


def _migrated(app: Flask) -> Flask:
    with app.app_context():
        upgrade()
    return app


@pytest.fixture(scope="session")
def new_migrated_database(
    make_app: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory, services: Services, worker: str
) -> Callable[..., str]:
    """Make a database of a kind (`sqlite`, `postgresql`) at the newest revision: a copy of the first. Returns its URL.

    A PostgreSQL database gets a name of its own, or the *name* that is given, in place of the one that had it.
    """
    first: dict[str, str] = {}
    template, numbers = f"{worker}_migrated", itertools.count(1)

    def make(kind: str, name: str | None = None) -> str:
        if kind not in first:
            path = tmp_path_factory.mktemp("migrated") / "confab.db"
            first[kind] = f"sqlite:///{path}" if kind == "sqlite" else services.new_database(template)
            app = _migrated(make_app({"DATABASE_URL": first[kind]}))
            with app.app_context():
                db.engine.dispose()  # it can be copied while it has no connection
        if kind == "sqlite":
            path = tmp_path_factory.mktemp("live") / "confab.db"
            shutil.copy(first[kind].removeprefix("sqlite:///"), path)
            return f"sqlite:///{path}"
        return services.new_database(name or f"{worker}_live{next(numbers)}", template)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The application, once on each database. Committed rows are deleted after the test."""
    app: Flask = request.getfixturevalue(f"{request.param}_app")
    yield app
    with app.app_context():
        wipe()


@pytest.fixture
def wiped(postgresql_app: Flask) -> Iterator[None]:
    """For tests of PostgreSQL alone: its rows are deleted after them."""
    yield
    with postgresql_app.app_context():
        wipe()


def wipe() -> None:
    """Delete the rows of every table that the application fills, and restore the lobby of the migrations."""
    db.session.rollback()
    connection = db.session.connection()
    filled: dict[str, bool] = dict(connection.exec_driver_sql(_filled_tables(connection)).all())
    # Most tests write a few rows to a few tables. TRUNCATE creates new files for each table and index, which takes PostgreSQL
    # 80 ms; but DELETE of 20,000 messages looks up the replies of each.
    deletions = [f"DELETE FROM {name}" for name in _TABLES if name in filled]
    if any(filled.values()) and connection.dialect.name == "postgresql":
        deletions = [f"TRUNCATE {', '.join(filled)} CASCADE"]
    statements = [*deletions, "INSERT INTO conversations (id, kind) VALUES ('lobby', 'lobby')"]
    # The driver of PostgreSQL takes all of them at once.
    for statement in ["; ".join(statements)] if connection.dialect.name == "postgresql" else statements:
        connection.exec_driver_sql(statement)
    db.session.commit()


_TABLES = [table.name for table in reversed(Base.metadata.sorted_tables) if table.name != "search_version"]
_IS_LARGE = "(SELECT count(*) FROM (SELECT 1 FROM {0} LIMIT 1001) AS few) > 1000"
_FILLED = " UNION ALL ".join(
    f"SELECT '{name}', {_IS_LARGE.format(name)} WHERE EXISTS (SELECT 1 FROM {name})" for name in _TABLES
)


def _filled_tables(connection: Connection) -> str:
    """The query for the tables with rows, and whether each is large. PostgreSQL plans it once for each connection."""
    if connection.dialect.name == "sqlite":
        return _FILLED
    ensure_prepared(connection, {"filled_tables": _FILLED})
    return "EXECUTE filled_tables"


@pytest.fixture
def client(app: Flask) -> Client:
    """A client that has not signed in."""
    return Client(app)


@pytest.fixture
def make(app: Flask) -> Factory:
    """Create users, rooms and messages: `make.user()`, `make.room(owner)`, `make.client(user)`."""
    return Factory(app)


@pytest.fixture
def outgoing(app: Flask) -> Iterator[Outgoing]:
    """The messages that `app` sends."""
    caught = Outgoing(app)
    yield caught
    caught.restore()
