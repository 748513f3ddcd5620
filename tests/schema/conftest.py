"""Databases of other origin, and the command that upgrades them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import Engine, text

from backend.models.base import db
from tests.client import Client
from tests.plugin_services import Services
from tests.schema.legacy import build


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


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], tmp_path: Path, services: Services, worker: str
) -> Iterator[Database]:
    """An empty database, once on each engine."""
    yield from _database(request.param, make_app, tmp_path, services, worker)


@pytest.fixture
def sqlite_database(
    make_app: Callable[..., Flask], tmp_path: Path, services: Services, worker: str
) -> Iterator[Database]:
    """An empty SQLite database."""
    yield from _database("sqlite", make_app, tmp_path, services, worker)


@pytest.fixture
def postgresql_database(
    make_app: Callable[..., Flask], tmp_path: Path, services: Services, worker: str
) -> Iterator[Database]:
    """An empty PostgreSQL database."""
    yield from _database("postgresql", make_app, tmp_path, services, worker)


def _database(
    kind: str, make_app: Callable[..., Flask], tmp_path: Path, services: Services, worker: str
) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'confab.db'}" if kind == "sqlite" else services.new_database(f"{worker}_schema")
    app = make_app({"DATABASE_URL": url})
    engine = sa.create_engine(app.config["CONFAB"].database_url)
    found = Database(app, engine)
    yield found
    found.dispose()
