"""Work in threads: its order, who is refused, and that many wrong passwords delay no other user."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from backend import threadpool
from backend.models.base import db
from backend.security import hashing
from backend.storage import images
from backend.threadpool import Busy, FairLine, Offload
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.conftest import wipe
from tests.factories import Factory
from tests.processes import wait_until
from tests.realtime.conftest import app_root
from tests.servers import Server
from tests.users.test_avatars import picture, put


def test_work_runs_where_the_priority_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr("os.setpriority", refuse)
    assert Offload(threads=1, max_waiting=1).run("key", lambda: 42) == 42


class Line:
    """A queue with one worker, which is busy until `finish`."""

    def __init__(self, most: int):
        self.line = FairLine(1, most)
        self.turns: list[str] = []
        self.refused: list[str] = []
        self._done = {"first": threading.Event()}
        self._threads: list[threading.Thread] = []

    def join(self, key: str, name: str) -> None:
        """Add a caller; it waits or was refused when this returns."""
        self._done[name] = threading.Event()
        before = self.line.waiting, self.line.working, len(self.refused)
        thread = threading.Thread(target=self._work, args=(key, name))
        self._threads.append(thread)
        thread.start()
        wait_until(lambda: (self.line.waiting, self.line.working, len(self.refused)) != before, f"a place for {name}")

    def _work(self, key: str, name: str) -> None:
        try:
            with self.line.turn(key):
                self.turns.append(name)
                assert self._done[name].wait(30)
        except Busy:
            self.refused.append(name)

    def finish(self) -> list[str]:
        """Let all run, one after another, and return their order."""
        for event in self._done.values():
            event.set()
        for thread in self._threads:
            thread.join(30)
        assert (self.line.working, self.line.waiting) == (0, 0)
        return self.turns


def test_an_error_of_the_work_is_raised_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gevent.monkey.is_module_patched", lambda _: True)
    with pytest.raises(ValueError, match="invalid literal"):
        Offload(threads=1, max_waiting=1).run("key", int, "x")
    assert capfd.readouterr().err == ""


def test_keys_take_turns_and_the_newest_goes_first() -> None:
    line = Line(most=10)
    for key, name in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("a", "a4"), ("b", "b1"), ("c", "c1"), ("b", "b2")]:
        line.join(key, name)
    assert line.finish() == ["a1", "a4", "b2", "c1", "a3", "b1", "a2"]
    assert line.refused == []


def test_a_full_line_refuses_the_oldest_of_the_longest_queue() -> None:
    line = Line(most=3)
    for key, name in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("a", "a4"), ("a", "a5"), ("b", "b1"), ("c", "c1")]:
        line.join(key, name)
    wait_until(lambda: len(line.refused) == 3, "three refusals")
    assert line.refused == ["a2", "a3", "a4"]
    line.join("d", "d1")
    assert line.refused[3:] == ["d1"]
    assert line.finish() == ["a1", "a5", "b1", "c1"]


def test_a_waiting_caller_that_is_killed_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(most=3)
    line.join("a", "a1")

    class Ended(BaseException):
        pass

    def end(*_: Any) -> None:
        raise Ended

    with monkeypatch.context() as patched:
        patched.setattr(threading.Event, "wait", end)
        with pytest.raises(Ended), line.line.turn("b"):
            raise AssertionError("it never ran")
    line.join("b", "b1")
    assert line.finish() == ["a1", "b1"]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any, str], None]]:
    """Fill a queue of one place, whose worker is busy."""
    release = threading.Event()
    threads: list[threading.Thread] = []

    def fill(module: Any, name: str) -> None:
        kind = Offload(threads=1, max_waiting=1)
        monkeypatch.setattr(module, name, kind)
        for key in ("x", "y"):
            threads.append(threading.Thread(target=lambda key=key: kind.run(key, release.wait, 30)))
            threads[-1].start()
        wait_until(lambda: kind.line.waiting == 1, "a full line")

    yield fill
    release.set()
    for thread in threads:
        thread.join(30)


def test_a_full_queue_is_reported(app: Flask, client: Client, make: Factory, full: Callable[[Any, str], None]) -> None:
    ann = make.client()
    full(hashing, "PASSWORDS")
    body = {"email": EMAIL, "password": PASSWORD}
    for answer in (client.post("/api/auth/login", body), client.post("/api/auth/register", body)):
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        assert 0 < int(answer.headers["Retry-After"]) < 60
    assert put(ann, picture()).status_code == 200, "pictures have a queue of their own"
    full(images, "PICTURES")
    answer = put(ann, picture())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert "Retry-After" in answer.headers


def test_running_and_waiting_calls_are_counted() -> None:
    assert (threadpool.PASSWORDS.threads, threadpool.PASSWORDS.max_waiting) == (2, 100)
    assert (threadpool.PICTURES.threads, threadpool.PICTURES.max_waiting) == (1, 24)
    assert Image.MAX_IMAGE_PIXELS == images.MAX_PIXELS // 2


def login(server: Server, address: str, email: str, password: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60, source_address=(address, 0))
    try:
        body = json.dumps({"email": email, "password": password})
        connection.request("POST", "/api/auth/login", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_wrong_passwords_do_not_delay_a_right_one(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    """Twenty hashes are queued before it. Because strangers have a queue of their own, it waits only for the running ones."""
    app: Flask = request.getfixturevalue(f"{database}_app")
    request.addfinalizer(lambda: _wipe(app))
    # Hashes of 60 ms and not of 250: still much slower than the arrival of the twenty.
    overrides = json.dumps({"backend.security.hashing": {"BCRYPT_ROUNDS": 10}})
    environ = {"DATABASE_URL": app.config["CONFAB"].database_url, "APP_ENV": "testing", "OVERRIDES": overrides}
    with Server(environ, root=app_root(tmp_path, "tests.realtime.overridden_constants")) as server:
        register(server)
        wrong: list[int] = []
        flood = [
            threading.Thread(target=lambda n=n: wrong.append(login(server, "127.0.0.2", f"{n}@example.com", "wrong")))
            for n in range(20)
        ]
        for thread in flood:
            thread.start()
        wait_until(lambda: len(wrong) >= 1, "the first wrong password")
        before = len(wrong)
        assert login(server, "127.0.0.3", EMAIL, PASSWORD) == 200
        meanwhile = len(wrong) - before
        for thread in flood:
            thread.join(60)
    assert wrong == [401] * 20
    assert meanwhile <= 7


def register(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"email": EMAIL, "password": PASSWORD})
    connection.request("POST", "/api/auth/register", body, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 201
    connection.close()


def _wipe(app: Flask) -> None:
    with app.app_context():
        wipe()
        db.engine.dispose()
