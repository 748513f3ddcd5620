"""Running servers: one worker on SQLite, and two workers on PostgreSQL and Redis."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import redis
from flask import Flask
from flask_migrate import upgrade

from backend.models import User
from backend.models.base import db
from backend.realtime import heartbeat
from backend.realtime.transport import connection
from tests.factories import Factory
from tests.realtime.client import Api, LiveClient, open_clients
from tests.realtime.pair import Clock, Pair
from tests.realtime.scenario import Scenario
from tests.servers import ROOT, Server
from tests.services import PrivateRedis
from tests.stopwatch import Stopwatch


@dataclass
class Deployment:
    """A running server with its database and its Redis. It creates users on demand."""

    server: Server
    app: Flask
    redis: PrivateRedis | None

    @property
    def url(self) -> str:
        return self.server.url

    def user(self, **fields: Any) -> Api:
        """Create a user with a session."""
        make = Factory(self.app)
        user = make.user(f"u{secrets.token_hex(4)}", email=f"{secrets.token_hex(6)}@example.com", **fields)
        return Api(self.url, make.token(user), user.id)

    def new_session(self, user: Api) -> Api:
        """Create another session of *user*."""
        return Api(self.url, Factory(self.app).token(User(id=user.id)), user.id)

    def on_each_worker(self, user: Api, timeout: float = 15) -> list[LiveClient]:
        """Open a socket of *user* on every worker. The kernel chooses the worker, so sockets are opened until each has one."""
        found: dict[int, LiveClient] = {}
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            client = user.live()
            pids = self.server.worker_pids
            pid = pids[0] if len(pids) == 1 else _holder_of(self.server.port, client, pids)
            if pid in found:
                client.close()
            else:
                found[pid] = client
            if len(found) == len(pids):
                return [found[pid] for pid in sorted(found)]
        raise AssertionError("all sockets were opened on the same worker")

    def assert_ended(self, clients: list[LiveClient]) -> None:
        """Their credentials were ended just now: all are closed within a second, and what a busy machine adds to it."""
        watch = Stopwatch(self.server.pid)
        assert [client.close_code(15) for client in clients] == [4401] * len(clients)
        assert watch.seconds < 3

    def subscribers(self, topic: str) -> int:
        """How many workers Redis sends a topic to: `c:` and the id of a conversation, or `u:` and that of a user."""
        assert self.redis is not None
        with closing(redis.Redis.from_url(self.redis.url)) as client:
            return int(client.pubsub_numsub(f"confab:0:{topic}".encode())[0][1])


def worker_of(server: Server, client: LiveClient) -> int:
    """The process id of the worker that holds the server's end of a connection."""
    return _holder_of(server.port, client, server.worker_pids)


def _holder_of(server_port: int, client: LiveClient, pids: list[int]) -> int:
    """Which of the processes *pids* holds the server's end of a connection."""
    _, port = client.socket.socket.getsockname()[:2]
    inode = _tcp_row(server_port, port)[9]
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(descriptor) == f"socket:[{inode}]":
                    return pid
            except OSError:
                continue
    raise AssertionError("no worker holds this connection")


def unsent_bytes(server: Server, client: LiveClient) -> int:
    """The bytes of the server's end of a connection that the client's end has not accepted yet."""
    _, port = client.socket.socket.getsockname()[:2]
    return int(_tcp_row(server.port, port)[4].partition(":")[0], 16)


def _tcp_row(local_port: int, remote_port: int) -> list[str]:
    """The fields of a connection in the kernel's table, seen from the end with the local port."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (int(fields[1].split(":")[1], 16), int(fields[2].split(":")[1], 16)) == (local_port, remote_port):
            return fields
    raise AssertionError("the connection does not exist")


@contextmanager
def in_background(task: Callable[[Event], None]) -> Iterator[None]:
    """Run *task* in a thread during the block. Its event is set when the block ends."""
    is_over = Event()
    thread = Thread(target=task, args=(is_over,))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def migrate(app: Flask) -> None:
    """Upgrade the database of *app* to the newest revision."""
    with app.app_context():
        upgrade()
        db.engine.dispose()


def app_root(folder: Path, module: str) -> Path:
    """Write into *folder* what serves the application of *module*, and return it for `open_deployment(root=...)`."""
    (folder / "wsgi.py").write_text(f"from {module} import app\n")
    real = str(ROOT / "gunicorn.conf.py")
    lines = [f"__file__ = {real!r}", "exec(compile(open(__file__).read(), __file__, 'exec'))"]
    lines += [f"sys.path.insert(0, {str(folder)!r})", ""]
    (folder / "gunicorn.conf.py").write_text("\n".join(lines))
    return folder


SETTINGS = {
    "APP_ENV": "testing",
    "RATE_LIMITS": "off",
    "LOG_LEVEL": "info",
    "SECRET_KEY": secrets.token_hex(32),
    "JWT_SECRET_KEY": secrets.token_hex(32),
}
FAULT = re.compile(r'Traceback|"level":"(error|critical)"|"exception"')
OpenDeployment = Callable[..., Deployment]
Deployments = Callable[[], AbstractContextManager[OpenDeployment]]


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


@pytest.fixture
def scenario(app: Flask, make: Factory) -> Iterator[Scenario]:
    """On each database."""
    scenario = Scenario(app, make)
    yield scenario
    scenario.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replaces the clock of connections and of the heartbeat."""
    clock = Clock()
    monkeypatch.setattr(heartbeat, "time", clock)
    monkeypatch.setattr(connection, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def close_clients() -> Iterator[None]:
    yield
    for socket in list(open_clients):
        socket.close()


@contextmanager
def _open_deployments(
    new_migrated_database: Callable[[str], str],
    make_app: Callable[..., Flask],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OpenDeployment]:
    deployments: list[Deployment] = []

    def make(
        kind: str,
        *,
        redis: PrivateRedis | None = None,
        database_url: str | None = None,
        root: Path = ROOT,
        measured: bool = False,
        **env: str,
    ) -> Deployment:
        is_migrated = database_url is None
        if kind == "sqlite":
            database_url = database_url or new_migrated_database("sqlite")
            settings = {**SETTINGS, "DATABASE_URL": database_url}
        else:
            database_url = database_url or new_migrated_database("postgresql")
            redis = redis or PrivateRedis()
            settings = {**SETTINGS, "DATABASE_URL": database_url, "REDIS_URL": redis.url, "WEB_CONCURRENCY": "2"}
        instance = tmp_path_factory.mktemp("instance")
        settings |= {"INSTANCE_DIR": str(instance), **env}
        # An application in this process on the same database, without Redis: the server gets no event of what it writes.
        app = make_app(
            {name: value for name, value in settings.items() if name != "REDIS_URL"} | {"WEB_CONCURRENCY": "1"}
        )
        if not is_migrated:
            migrate(app)
        deployment = Deployment(Server(settings, root=root, measured=measured), app, redis)
        deployments.append(deployment)
        return deployment

    yield make
    for deployment in deployments:  # all of them first: each takes some time to end
        deployment.server.begin_to_stop()
    for deployment in deployments:
        deployment.server.close()
        if deployment.redis is not None:
            deployment.redis.close()
    faults = [
        line for deployment in deployments for line in deployment.server.output().splitlines() if FAULT.search(line)
    ]
    assert not faults, faults[:5]


@pytest.fixture(scope="session")
def deployments(
    new_migrated_database: Callable[[str], str],
    make_app: Callable[..., Flask],
    tmp_path_factory: pytest.TempPathFactory,
) -> Deployments:
    """`with deployments() as open_deployment:` the deployments that it opens are closed at the end of the block."""
    return partial(_open_deployments, new_migrated_database, make_app, tmp_path_factory)


@pytest.fixture
def open_deployment(deployments: Deployments) -> Iterator[OpenDeployment]:
    """Opens deployments for one test: `open_deployment("sqlite")`, `open_deployment("redis", RATE_LIMITS="on")`."""
    with deployments() as make:
        yield make


@pytest.fixture(scope="session", params=["sqlite", "redis"])
def deployment(request: pytest.FixtureRequest, deployments: Deployments) -> Iterator[Deployment]:
    """A deployment of each kind: one worker on SQLite; two workers on PostgreSQL and Redis."""
    with deployments() as make:
        yield make(request.param, measured=True)


SHORT_PAGE = 50
"""The messages in a page of a repair of `failing`."""


@pytest.fixture(scope="session", params=["sqlite", "redis"])
def failing(
    request: pytest.FixtureRequest, deployments: Deployments, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment of each kind whose database and Redis fail now and then: see `tests.realtime.failing`."""
    root = app_root(tmp_path_factory.mktemp("failing"), "tests.realtime.failing")
    overrides = {
        "backend.realtime.delivery.history": {"PAGE": SHORT_PAGE},
        "backend.realtime.presence.tracker": {"POLL_SECONDS": 0.2, "RETRY_SECONDS": 0.1},
    }
    with deployments() as open_deployment:
        yield open_deployment(request.param, root=root, measured=True, OVERRIDES=json.dumps(overrides))
