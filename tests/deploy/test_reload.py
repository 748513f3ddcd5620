"""A reload (SIGHUP) of the server behind nginx: every request that is under way or arrives meanwhile is answered."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import Any

import pytest

from tests.http_client import HttpClient
from tests.processes import wait_until
from tests.servers import Nginx, Server

ACCOUNT = {"email": "reload@example.com", "password": "correct horse battery"}
CLIENTS = 12


@pytest.fixture(scope="module")
def server(new_migrated_database: Callable[[str], str]) -> Iterator[Server]:
    settings = {"DATABASE_URL": new_migrated_database("sqlite"), "TRUSTED_PROXIES": "1", "RATE_LIMITS": "off"}
    with Server(settings) as running:
        yield running


@pytest.fixture(scope="module")
def nginx(server: Server) -> Iterator[Nginx]:
    with Nginx(f"127.0.0.1:{server.port}") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def token(nginx: Nginx) -> str:
    client = HttpClient(nginx.url)
    assert client.call("POST", "/api/auth/register", {**ACCOUNT, "first_name": "Test", "last_name": "User"})[0] == 201
    return str(client.call("POST", "/api/auth/login", ACCOUNT)[1]["access_token"])


class Caller:
    """Sends and reads over one connection, one call after the other, until `stop`. `statuses` counts the answers."""

    def __init__(self, proxy: Nginx, token: str, number: int):
        self.proxy, self.token, self.number = proxy, token, number
        self.statuses: Counter[int] = Counter()
        self.stop = Event()
        self.sent = 0

    def run(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=20)) as connection:
            while not self.stop.is_set():
                self.sent += 1
                content = {"content": f"{self.number}.{self.sent}"}
                self._call(connection, "POST", "/api/chat/send", content)
                self._call(connection, "GET", "/api/chat/messages?limit=1")

    def _call(self, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> None:
        # An address for each call, because nginx limits the calls of one.
        address = f"192.0.{self.number}.{self.sent % 250}"
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "X-Test-Address": address,
        }
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        self.statuses[response.status] += 1


def wait_for_calls(callers: list[Caller], what: str) -> None:
    """Wait until each of *callers* has made some more calls."""
    sent = [caller.sent for caller in callers]
    wait_until(lambda: all(caller.sent > n + 3 for caller, n in zip(callers, sent, strict=True)), what, 30)


def test_a_reload_loses_no_request(server: Server, nginx: Nginx, token: str) -> None:
    callers = [Caller(nginx, token, number) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(caller.run) for caller in callers]
        try:
            wait_for_calls(callers, "calls to the old worker")
            old = set(server.worker_pids)
            os.kill(server.pid, signal.SIGHUP)
            wait_until(lambda: server.worker_pids and old.isdisjoint(server.worker_pids), "a new worker", 30)
            wait_for_calls(callers, "calls to the new worker")
        finally:
            for caller in callers:
                caller.stop.set()
        for each in running:
            each.result()
    answered: Counter[int] = sum((caller.statuses for caller in callers), Counter())
    sent_in_all = sum(caller.sent for caller in callers)
    assert answered == {201: sent_in_all, 200: sent_in_all}
    client = HttpClient(server.url, token)
    first = client.call("GET", "/api/chat/messages?limit=1")[1][0]
    contents = [message["content"] for message in client.messages(first["conversation_id"])]
    assert len(contents) == len(set(contents)) == sent_in_all
