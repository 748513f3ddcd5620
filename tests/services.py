"""A real PostgreSQL and a real Redis for the tests.

They are those of TEST_DATABASE_URL and TEST_REDIS_URL, or private instances on Unix sockets that end with the run. A test about
faults starts instances of its own, which it may kill, stop and restart:

    with PrivatePostgres() as postgres:
        url = postgres.new_database("mine")     # for DATABASE_URL
        postgres.kill()
        postgres.start()                        # on the same data
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg2
import redis
from psycopg2 import sql

from tests import packages
from tests.processes import Folder, end, freeze_tree, has_user, running_in, signal_tree, spawn, sweep, tail, wait_until

SUPERUSER = "confab"


class _PrivateService:
    """A private server process in a folder of its own. The constructor starts it."""

    end_signal: ClassVar[int] = signal.SIGTERM
    last_signal: ClassVar[int] = signal.SIGKILL
    url: str

    def __init__(self) -> None:
        sweep()
        self._user = "nobody" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        self.folder = Folder(self._user)
        self.log = self.folder.path / "log"

    def command(self) -> list[str | Path]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The process id of the main process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it on its existing data, and return when it answers."""
        self._process = spawn(
            self.command(), log=self.log, last_signal=self.last_signal, user=self._user, cwd=self.folder.path
        )
        try:
            wait_until(lambda: self._answers() or self._has_ended(), "an answer of the server", 30)
        except TimeoutError as late:
            raise RuntimeError(f"{late}\n{tail(self.log)}") from late
        if self._has_ended():
            raise RuntimeError(f"{type(self).__name__} ended at once:\n{tail(self.log)}")

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """Stop it properly; `start` restarts it."""
        if self._process is not None:
            self.thaw()
            end(self._process, self.end_signal)

    def kill(self) -> None:
        """`kill -9`, of the server and all its processes; `start` restarts it."""
        if self._process is not None:
            signal_tree(self.pid, signal.SIGKILL)
            self._process.wait()
            wait_until(lambda: not list(running_in(self.folder.path)), "the end of every process of the server")

    def freeze(self) -> None:
        """SIGSTOP: from now on it accepts connections and does not answer."""
        freeze_tree(self.pid)

    def thaw(self) -> None:
        """SIGCONT: it continues."""
        signal_tree(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove its data."""
        if self._process is not None:
            self.thaw()
            end(self._process, self.last_signal, patience=5)
        self.folder.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PrivatePostgres(_PrivateService):
    """A PostgreSQL server. `url` names its database `postgres`; a test makes one of its own with `new_database`."""

    end_signal = signal.SIGINT  # "fast": it does not wait for its clients
    last_signal = signal.SIGQUIT  # "immediate": a kill would leave a segment of shared memory behind

    def _prepare(self) -> None:
        self._programs = packages.postgres_folder()
        if self._user and has_user("postgres"):
            self._user = "postgres"  # PostgreSQL refuses to run as root
        super()._prepare()
        self.url = f"postgresql://{SUPERUSER}@/postgres?host={self.folder.path}"
        self._data = self.folder.path / "data"
        # A locale as in production, whose lower() and ILIKE know more than ASCII; C if the system has no C.UTF-8.
        for locale in ("C.UTF-8", "C"):
            command = [self._programs / "initdb", "--no-sync", "--auth=trust", "-U", SUPERUSER, "-E", "UTF8"]
            command += ["--no-instructions", f"--locale={locale}", "-D", self._data]
            if spawn(command, log=self.log, user=self._user, cwd=self.folder.path).wait() == 0:
                return
            shutil.rmtree(self._data, ignore_errors=True)
        error = tail(self.log)
        self.folder.remove()
        raise RuntimeError(f"initdb failed:\n{error}")

    def command(self) -> list[str | Path]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder.path,
            "max_connections": 300,
            # No fsync: without it only a crash of the whole machine loses data. synchronous_commit stays on, because without it a
            # killed server loses acknowledged data, which some tests check.
            "fsync": "off",
            "full_page_writes": "off",
            "dynamic_shared_memory_type": "mmap",  # in the data folder; POSIX segments would survive a killed server
            "log_min_duration_statement": -1,
            "timezone": "UTC",
        }
        command: list[str | Path] = [self._programs / "postgres", "-D", self._data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def new_database(self, name: str, template: str | None = None) -> str:
        """Create an empty database, or a copy of *template*, in place of one with that name; return its URL."""
        return new_database(self.url, name, template)


class PrivateRedis(_PrivateService):
    """A Redis server; what it held is gone when it stops."""

    def _prepare(self) -> None:
        super()._prepare()
        self._socket = self.folder.path / "redis.sock"
        self.url = f"unix://{self._socket}?db=0"

    def command(self) -> list[str | Path]:
        command: list[str | Path] = [packages.redis_binary(), "--port", "0", "--unixsocket", self._socket]
        return [*command, "--unixsocketperm", "777", "--save", "", "--appendonly", "no", "--dir", self.folder.path]

    def _answers(self) -> bool:
        with suppress(redis.RedisError), closing(redis.Redis.from_url(self.url, socket_timeout=2)) as client:
            return bool(client.ping())
        return False


def new_database(server_url: str, name: str, template: str | None = None) -> str:
    """Create an empty database, or a copy of *template*, in place of one with that name; return its URL."""
    drop_database(server_url, name)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template or "template1")
    )
    _execute(server_url, statement)
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def drop_database(server_url: str, name: str) -> None:
    """Drop a database despite its connections. It may be missing."""
    _execute(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server_url: str, statement: sql.Composable) -> None:
    with closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True  # CREATE DATABASE cannot run in a transaction
        with connection.cursor() as cursor:
            cursor.execute(statement)


class Services:
    """The servers of one run: `start_services` creates them, and workers reach them with `Services(**services.fields())`."""

    def __init__(self, postgres_url: str, redis_url: str | None, run: str, postgres: PrivatePostgres | None = None):
        self.postgres_url = postgres_url
        self.redis_url = redis_url
        self.run = run
        self._made: set[str] = set()
        self._postgres = postgres

    def fields(self) -> dict[str, str | None]:
        """What another process needs to reach the same servers."""
        return {"postgres_url": self.postgres_url, "redis_url": self.redis_url, "run": self.run}

    def new_database(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or a copy of *template* (which must have no connection); return its URL for DATABASE_URL."""
        self._made.add(name)
        return new_database(self.postgres_url, self._full_name(name), template and self._full_name(template))

    def _full_name(self, name: str) -> str:
        # Two runs on one external server must not use the same names.
        return f"confab_test_{self.run}_{name}"

    @contextmanager
    def redis(self, number: int) -> Iterator[str]:
        """An empty Redis for worker *number*, as a URL for REDIS_URL.

        It is a server of its own, because published messages reach every database of a server. With TEST_REDIS_URL it can only
        be a database of its own.
        """
        if self.redis_url is None:
            with PrivateRedis() as private:
                yield private.url
            return
        url = _redis_database(self.redis_url, number)
        with closing(redis.Redis.from_url(url)) as client:
            client.flushdb()
            yield url
            client.flushdb()

    def close(self) -> None:
        """Drop the databases that this process created, and stop the server if it is a private one."""
        if self._postgres is not None:
            self._postgres.close()
            return
        for name in self._made:
            with suppress(psycopg2.OperationalError):
                drop_database(self.postgres_url, self._full_name(name))
        self._made.clear()


def start_services() -> Services:
    """Find or start the PostgreSQL of this run. The caller closes it.

    Raises packages.Missing if there is none and none may be installed.
    """
    run = f"{os.getpid()}"
    redis_url = os.environ.get("TEST_REDIS_URL") or None
    if redis_url is None:
        packages.redis_binary()  # reports a missing program before the first test
    if given := os.environ.get("TEST_DATABASE_URL"):
        scheme, _, rest = given.partition("://")
        return Services(f"{scheme.partition('+')[0]}://{rest}", redis_url, run)
    postgres = PrivatePostgres()
    return Services(postgres.url, redis_url, run, postgres)


def _redis_database(url: str, number: int) -> str:
    """The URL of the database that is *number* databases after that of *url*."""
    if url.startswith("unix://"):
        address, _, query = url.partition("?")
        options = dict(parse_qsl(query))
        return f"{address}?{urlencode({**options, 'db': int(options.get('db', 0)) + number})}"
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{int(parts.path.strip('/') or 0) + number}"))
