"""Databases of other origin, and the command that upgrades them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import Engine, text

from backend.models.base import db
from tests.client import Client
from tests.plugin_services import Services
from tests.schema.legacy import build

KINDS = ["sqlite", "postgresql"]


@dataclass
class Database:
    """A database of one test, on either engine, and an application that uses it."""

    app: Flask
    engine: Engine

    def build(self, script: str, **values: str) -> None:
        build(self.engine, script, **values)

    def flask(self, *command: str, code: int = 0, input: str | None = None) -> str:
        """Run `flask COMMAND`, and return what it printed."""
        result = self.app.test_cli_runner().invoke(args=list(command), input=input)
        self.dispose()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return str(result.output)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of *query*."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def one(self, query: str, **values: Any) -> Any:
        """Return the single value of *query*."""
        [[value]] = self.rows(query, **values)
        return value

    def run(self, *statements: str) -> None:
        """Run and commit *statements*."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def tables(self) -> set[str]:
        return set(sa.inspect(self.engine).get_table_names())

    def client(self, token: str | None = None) -> Client:
        return Client(self.app, token)

    def dispose(self) -> None:
        """Close all connections: the other side may need exclusive access."""
        self.engine.dispose()
        with self.app.app_context():
            db.engine.dispose()


class Adoption(NamedTuple):
    """What an upgrade of a legacy database printed, and how many rows each table had before it."""

    told: str
    before: dict[str, int]


class Databases:
    """Makes databases. Those of PostgreSQL replace each other, unless they have different names."""

    def __init__(
        self,
        make_app: Callable[..., Flask],
        folders: pytest.TempPathFactory,
        services: Services,
        worker: str,
        new_migrated: Callable[..., str],
    ):
        self._make_app = make_app
        self._folders = folders
        self._services = services
        self._worker = worker
        self._new_migrated = new_migrated
        self._adoptions: dict[object, tuple[str, Adoption]] = {}
        self._numbers = count(1)

    @contextmanager
    def empty(self, kind: str, name: str = "schema") -> Iterator[Database]:
        """An empty database."""
        yield from self._open(self._new(kind, name))

    @contextmanager
    def migrated(self, kind: str, name: str = "schema") -> Iterator[Database]:
        """A database at the newest revision, which is a copy."""
        yield from self._open(self._new_migrated(kind, f"{self._worker}_{name}"))

    @contextmanager
    def adopted(self, kind: str, script: str, *options: str, **values: str) -> Iterator[tuple[Database, str]]:
        """A legacy database after `flask db upgrade OPTIONS`, and what that printed. It is a copy."""
        source, adoption = self._adoption(kind, script, options, values)
        for database in self._open(self._new(kind, "schema", source)):
            yield database, adoption.told

    def adoption(self, kind: str, script: str, *options: str, **values: str) -> Adoption:
        """The same upgrade, without a copy of the database."""
        return self._adoption(kind, script, options, values)[1]

    def _adoption(
        self, kind: str, script: str, options: tuple[str, ...], values: dict[str, str]
    ) -> tuple[str, Adoption]:
        key = (kind, script, options, tuple(values.items()))
        if key not in self._adoptions:
            name = f"adopted{next(self._numbers)}"
            with self.empty(kind, name) as database:
                database.build(script, **values)
                before = {t: database.one(f"SELECT count(*) FROM {t}") for t in database.tables() - {"alembic_version"}}
                told = database.flask("db", "upgrade", *options)
                source = str(database.engine.url.database) if kind == "sqlite" else f"{self._worker}_{name}"
            self._adoptions[key] = source, Adoption(told, before)
        return self._adoptions[key]

    def _new(self, kind: str, name: str, source: str | None = None) -> str:
        if kind == "postgresql":
            return self._services.new_database(f"{self._worker}_{name}", source)
        path = self._folders.mktemp(name) / "confab.db"
        if source:
            shutil.copy(source, path)
        return f"sqlite:///{path}"

    def _open(self, url: str) -> Iterator[Database]:
        app = self._make_app({"DATABASE_URL": url})
        found = Database(app, sa.create_engine(app.config["CONFAB"].database_url))
        try:
            yield found
        finally:
            found.dispose()


@pytest.fixture(scope="session")
def databases(
    make_app: Callable[..., Flask],
    tmp_path_factory: pytest.TempPathFactory,
    services: Services,
    worker: str,
    new_migrated_database: Callable[..., str],
) -> Databases:
    return Databases(make_app, tmp_path_factory, services, worker, new_migrated_database)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database."""
    return str(request.param)


@pytest.fixture
def database(databases: Databases, kind: str) -> Iterator[Database]:
    """An empty database, once on each engine."""
    with databases.empty(kind) as found:
        yield found


@pytest.fixture
def sqlite_database(databases: Databases) -> Iterator[Database]:
    """An empty SQLite database."""
    with databases.empty("sqlite") as found:
        yield found


@pytest.fixture
def postgresql_database(databases: Databases) -> Iterator[Database]:
    """An empty PostgreSQL database."""
    with databases.empty("postgresql") as found:
        yield found


@pytest.fixture
def migrated(databases: Databases, kind: str) -> Iterator[Database]:
    """A database at the newest revision, once on each engine."""
    with databases.migrated(kind) as found:
        yield found


@pytest.fixture
def migrated_sqlite(databases: Databases) -> Iterator[Database]:
    """A SQLite database at the newest revision."""
    with databases.migrated("sqlite") as found:
        yield found


@pytest.fixture
def migrated_postgresql(databases: Databases) -> Iterator[Database]:
    """A PostgreSQL database at the newest revision."""
    with databases.migrated("postgresql") as found:
        yield found
