"""A database that is unreachable, or that accepts and does not answer: 503 in time, never a hang or a false success."""

from __future__ import annotations

import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests

from backend import database
from tests.client import Client
from tests.http.conftest import JWT_SECRET_KEY
from tests.processes import free_port
from tests.servers import Server

SECRETS = {"SECRET_KEY": secrets.token_hex(32), "JWT_SECRET_KEY": JWT_SECRET_KEY}


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    kept = []
    with closing(socket.create_server(("127.0.0.1", 0), backlog=200)) as server:

        def accept() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"postgresql://confab@127.0.0.1:{server.getsockname()[1]}/confab"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unreachable_database_is_503(make_lab: Callable[..., Client], method: str) -> None:
    lab = make_lab({"DATABASE_URL": f"postgresql://confab@127.0.0.1:{free_port()}/confab"})
    response = lab.request(method, "/api/lab/database")
    assert (response.status_code, response.json["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "127.0.0.1" not in response.text


def test_an_unreachable_database_does_not_make_a_token_invalid(
    make_lab: Callable[..., Client], signed_token: str
) -> None:
    """401 would sign all clients out."""
    lab = make_lab({"DATABASE_URL": f"postgresql://confab@127.0.0.1:{free_port()}/confab", **SECRETS})
    response = lab.get("/api/lab/me", headers={"Authorization": f"Bearer {signed_token}"})
    assert (response.status_code, response.json["code"]) == (503, "unavailable")


@pytest.fixture
def latest(monkeypatch: pytest.MonkeyPatch) -> float:
    """The seconds that an answer may take: ten, less the time by which this fixture shortens the wait for the database."""
    usual = database.ANSWER_SECONDS
    monkeypatch.setattr(database, "ANSWER_SECONDS", 1.0)
    return 10 - (usual - 1)


def test_a_driver_without_gevent_gives_up_in_time(
    make_lab: Callable[..., Client], silent_url: str, latest: float
) -> None:
    lab = make_lab({"DATABASE_URL": silent_url})
    started = time.monotonic()
    response = lab.get("/api/lab/database")
    assert (response.status_code, response.json["code"]) == (503, "unavailable")
    assert time.monotonic() - started < latest


def test_a_locked_sqlite_is_503(make_lab: Callable[..., Client], latest: float) -> None:
    lab = make_lab()
    assert lab.post("/api/lab/database").status_code == 200
    path = lab.app.config["CONFAB"].instance_dir / "confab.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        response = lab.post("/api/lab/database")
        assert time.monotonic() - started < latest
        assert (response.status_code, response.json["code"]) == (503, "unavailable")
        assert lab.get("/api/lab/database").status_code == 200  # reading does not wait for the lock
        other.execute("ROLLBACK")
    assert lab.post("/api/lab/database").status_code == 200


def test_many_requests_to_an_unresponsive_database_are_answered_in_time(silent_url: str, signed_token: str) -> None:
    """Through gunicorn: the pool is exhausted, and the waiting requests still get their 503 within 10 s."""
    with Server({"DATABASE_URL": silent_url, "DATABASE_POOL_SIZE": "2", "RATE_LIMITS": "off", **SECRETS}) as server:
        header = {"Authorization": f"Bearer {signed_token}"}

        def ask(path: str) -> tuple[int, str, float]:
            started = time.monotonic()
            response = requests.get(f"{server.url}{path}", headers=header, timeout=30)
            return response.status_code, response.json().get("code", ""), time.monotonic() - started

        with ThreadPoolExecutor(24) as crowd:
            guarded = [crowd.submit(ask, "/api/health/detailed") for _ in range(8)]
            ready = [crowd.submit(ask, "/api/health/ready") for _ in range(8)]
            alive = [crowd.submit(ask, "/api/health") for _ in range(8)]
        for answer in guarded + ready:
            status, code, seconds = answer.result()
            assert (status, code) == (503, "unavailable")
            assert seconds < 10
        assert all(answer.result()[0] == 200 and answer.result()[2] < 2 for answer in alive)
