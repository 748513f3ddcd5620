"""The private PostgreSQL of the tests, on the servers' core and with the durability of production."""

from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from bench.machine import SERVER_CORE, pinned
from tests.services import PrivatePostgres

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


class DurablePostgres(PrivatePostgres):
    """A private PostgreSQL with fsync, which the tests turn off. A measured send must be on the disk when it is acknowledged."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        with pinned(SERVER_CORE):
            super().__init__()
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            for name, value in DURABLE.items():
                cursor.execute(f"SHOW {name}")
                assert cursor.fetchone() == (value,), f"{name} is not {value}"

    def command(self) -> list[str | Path]:
        settings = [part for name, value in DURABLE.items() for part in ("-c", f"{name}={value}")]
        return [*super().command(), *settings]  # the last value of a setting counts

    def create(self, database: str) -> str:
        self.urls[database] = self.new_database(database)
        return self.urls[database]

    @contextmanager
    def cursor(self, database: str):
        """Open a cursor on *database* in autocommit. `with connection` would make one transaction of all statements."""
        with closing(psycopg2.connect(self.urls[database])) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
