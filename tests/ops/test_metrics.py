"""`/metrics`: who may read it, what it contains, and that several workers report together."""

from __future__ import annotations

import os
import re
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import pytest
from flask import Flask
from flask_migrate import upgrade

from backend.models.base import db
from backend.state import confab_state
from tests.client import Client
from tests.factories import Factory
from tests.http_client import HttpClient
from tests.processes import wait_until
from tests.servers import Server

TOKEN = "metrics-token-of-the-tests"


@pytest.fixture(scope="module")
def measured(make_app: Callable[..., Flask], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    path: Path = tmp_path_factory.mktemp("metrics") / "confab.db"
    app = make_app({"DATABASE_URL": f"sqlite:///{path}", "METRICS_TOKEN": TOKEN})
    with app.app_context():
        upgrade()
    return app


def read(app: Flask) -> str:
    response = Client(app, TOKEN).get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain")
    return response.get_data(as_text=True)


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} ([0-9.e+-]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_without_a_metrics_token_it_is_404(sqlite_app: Flask) -> None:
    for client in (Client(sqlite_app), Client(sqlite_app, "x")):
        response = client.get("/metrics")
        assert (response.status_code, response.json["code"]) == (404, "not_found")
    assert confab_state(sqlite_app).metrics is None


@pytest.mark.parametrize("token", [None, "wrong", TOKEN + "x", TOKEN[:-1], "\u00e9"])
def test_with_a_metrics_token_it_is_required(measured: Flask, token: str | None) -> None:
    response = Client(measured, token).get("/metrics")
    assert (response.status_code, response.json["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_users_token_is_refused(measured: Flask) -> None:
    assert Factory(measured).client().get("/metrics").status_code == 401


def test_requests_are_counted_by_the_template_of_their_route(measured: Flask) -> None:
    ann = Factory(measured).client()
    name = 'confab_request_seconds_count{method="GET",route="/api/users/<id:user_id>",status="404"}'
    before = value(read(measured), name)
    for user_id in range(10**6, 10**6 + 5):
        ann.get(f"/api/users/{user_id}")
    ann.get("/nowhere")
    ann.request("BREW", "/api/rooms")
    text = read(measured)
    assert value(text, name) == before + 5
    assert 'method="GET",route="unknown",status="404"' in text
    assert 'method="OTHER",route="unknown",status="405"' in text
    assert "1000001" not in text


def test_sends_and_the_pool_are_reported(measured: Flask) -> None:
    ann = Factory(measured).client()
    before = value(read(measured), "confab_messages_total")
    for n in range(3):
        ann.post("/api/chat/send", {"content": "x", "client_message_id": f"{min(n, 1)}"})
    ann.post("/api/chat/send", {"content": "x", "room_id": 999})
    text = read(measured)
    assert value(text, "confab_messages_total") == before + 2, "a repeated send and a refused one do not count"
    assert value(text, "confab_bus_up") == 1
    assert value(text, "confab_open_sockets") == 0
    assert value(text, 'confab_database_connections_most{pool="write"}') > 0
    assert 'pool="read"' not in text, "SQLite has one pool for reads and writes"


def fetch(server: Server, path: str) -> str:
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.code)


@pytest.fixture(scope="module")
def server(
    new_migrated_database: Callable[[str], str], redis_url: str, make_app: Callable[..., Flask]
) -> Iterator[tuple[Server, Flask]]:
    """A server with two workers, and an application of this process on its database."""
    env = {"DATABASE_URL": new_migrated_database("postgresql"), "JWT_SECRET_KEY": token_hex(32)}
    settings = {"REDIS_URL": redis_url, "WEB_CONCURRENCY": "2", "METRICS_TOKEN": TOKEN, "DATABASE_POOL_SIZE": "8"}
    with Server({**env, **settings, "RATE_LIMITS": "off"}, measured=True) as running:
        yield running, make_app(env)


def test_two_workers_report_together_and_survive_each_other(server: tuple[Server, Flask]) -> None:
    running, _ = server
    name = 'confab_request_seconds_count{method="GET",route="/api/health/ready",status="200"}'
    for _ in range(40):
        assert "ready" in fetch(running, "/api/health/ready")
    assert value(fetch(running, "/metrics"), name) == 40
    victim = running.worker_pids[0]
    os.kill(victim, signal.SIGKILL)
    # In one reading: before a second the master can have noticed the end of the worker without acting on it yet.
    wait_until(lambda: len(pids := running.worker_pids) == 2 and victim not in pids, "another worker")
    assert value(fetch(running, "/metrics"), name) == 40, "the counts of a dead worker are kept"
    folder = next((running.folder.path / "instance").glob("metrics-*"))
    assert not list(folder.glob(f"gauge_live*_{victim}.db"))


def test_the_pools_of_all_workers_are_added(server: tuple[Server, Flask]) -> None:
    running, app = server
    make = Factory(app)
    client = HttpClient(running.url, make.token(make.user()))

    def connections(metric: str, pool: str) -> float:
        return value(fetch(running, "/metrics"), f'confab_database_connections_{metric}{{pool="{pool}"}}')

    def wait_for_use(pool: str, number: int) -> None:
        wait_until(lambda: connections("in_use", pool) == number, f"{number} {pool} connections", 30)

    for pool, method in (("write", "POST"), ("read", "GET")):
        with repeated(client, method, "/api/rooms"), locked(app, "chat_rooms"):
            # A worker has four connections of each kind. More than four are in use only if both workers hold some.
            wait_for_use(pool, 8)
        assert connections("most", pool) == 8
        wait_for_use(pool, 0)


@contextmanager
def locked(app: Flask, table: str) -> Iterator[None]:
    """Make every statement that uses *table* wait, until it gives up."""
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def repeated(client: HttpClient, method: str, path: str) -> Iterator[None]:
    """Run 16 threads that make a call again and again."""
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            client.call(method, path, {"name": "x"} if method == "POST" else None)

    with ThreadPoolExecutor(16) as threads:
        running = [threads.submit(run) for _ in range(16)]
        try:
            yield
        finally:
            ended.set()
    for each in running:
        each.result()
