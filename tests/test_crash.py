"""`kill -9` of a worker under load: every acknowledged message is stored, once and in order. `make chaos` kills for long."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest
from flask import Flask

from tests.factories import Factory
from tests.http_client import HttpClient
from tests.processes import wait_until
from tests.servers import Server

WRITERS = 8


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_no_acknowledged_message_is_lost(
    make_app: Any, request: pytest.FixtureRequest, database: str, tmp_path: Any
) -> None:
    app: Flask = request.getfixturevalue(f"{database}_app")
    if database == "postgresql":
        request.getfixturevalue("wiped")
    else:
        request.addfinalizer(lambda: _wipe(app))
    make = Factory(app)
    tokens = [make.token(make.user()) for _ in range(WRITERS)]
    url = app.config["CONFAB"].database_url
    environ = {"DATABASE_URL": url, "INSTANCE_DIR": app.instance_path, "RATE_LIMITS": "off", "APP_ENV": "testing"}
    with Server(environ) as server:
        acknowledged = _write_while_killing(server, tokens)
        sent = HttpClient(server.url, tokens[0]).messages("lobby")
    assert len(acknowledged) > WRITERS
    seqs = [message["seq"] for message in sent]
    assert seqs == list(range(1, len(seqs) + 1))
    kept = {message["id"]: message["content"] for message in sent}
    assert {id_: kept.get(id_) for id_ in acknowledged} == acknowledged
    assert len(set(kept.values())) == len(kept), "a send that was repeated under its client_message_id was doubled"


def _write_while_killing(server: Server, tokens: list[str]) -> dict[int, str]:
    """Send from several threads, repeat unacknowledged messages, and kill the worker meanwhile."""
    acknowledged: dict[int, str] = {}
    is_over = threading.Event()

    def write(number: int, token: str) -> None:
        client = HttpClient(server.url, token)
        for count in range(100_000):
            if is_over.is_set():
                return
            content = f"{number} {count}"
            while not is_over.is_set():
                message = client.try_send(content=content, client_message_id=content)
                if message is not None:
                    acknowledged[message["id"]] = content
                    break

    threads = [threading.Thread(target=write, args=pair) for pair in enumerate(tokens)]
    for thread in threads:
        thread.start()
    try:
        _wait_for_more(acknowledged)
        (victim,) = server.worker_pids
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in server.worker_pids, "the end of the worker")
        _wait_for_more(acknowledged)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    return acknowledged


def _wait_for_more(acknowledged: dict[int, str]) -> None:
    enough = len(acknowledged) + 40
    wait_until(lambda: len(acknowledged) >= enough, "40 more acknowledged messages", 60)


def _wipe(app: Flask) -> None:
    from tests.conftest import wipe

    with app.app_context():
        wipe()
