"""Time limits for clients: for the head of a request, for its body, and for reading its answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from gunicorn_client import MIN_BYTES_PER_SECOND, Pace
from tests.processes import wait_until
from tests.servers import ROOT, SERVING, Server
from tests.wire import Wire, request

LARGE = 64 << 20
STAND_IN = f"""
import json, weakref
class Answer:  # one that counts for as long as it is in memory
    def __init__(self, parts):
        self.parts = parts
        answers.add(self)
    def __iter__(self):
        return iter(self.parts)
answers = weakref.WeakSet()
def app(environ, start_response):
    if environ["PATH_INFO"] == "/large":
        start_response("200 OK", [("Content-Length", "{LARGE}")])
        return Answer([b"x" * {LARGE}])
    if environ["PATH_INFO"] == "/endless":
        start_response("200 OK", [])
        return Answer(iter(lambda: b"x" * 1000, None))
    body = json.dumps(len(answers)).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture(scope="module")
def server(fresh_url: str) -> Iterator[Server]:
    """A server that waits one second for a client."""
    with Server({"DATABASE_URL": fresh_url, "CLIENT_TIMEOUT": "1", "RATE_LIMITS": "off"}) as running:
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """gunicorn with a small application that returns large answers."""
    folder: Path = tmp_path_factory.mktemp("bare")
    for name in SERVING:
        shutil.copy(ROOT / name, folder)
    (folder / "wsgi.py").write_text(STAND_IN)
    with Server({"CLIENT_TIMEOUT": "1"}, root=folder) as running:
        yield running


HEAD = b"POST /api/auth/login HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n"
LENGTH, CHUNKED = b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("raw", [HEAD, b"P", b"\r\n", request("/api/health", method="GET") + HEAD])
def test_a_head_that_stalls_is_408(server: Server, raw: bytes) -> None:
    with Wire(server, raw[:-1] or raw) as wire:
        if b"/health" in raw:
            assert wire.answer().status == 200
        wire.send(raw[-1:])
        answer = wire.answer()
        assert answer.is_problem(408, "request_timeout")
        assert answer.headers["Connection"] == "close"
        assert wire.rest() == b""


def test_a_head_that_arrives_byte_by_byte_is_408(server: Server) -> None:
    with Wire(server, HEAD) as wire:
        while not wire.says(0.05):
            wire.send(b"X: a\r\n")
        assert wire.answer().is_problem(408, "request_timeout")


def test_a_connection_without_a_request_is_closed_silently(server: Server) -> None:
    with Wire(server) as wire:
        assert wire.rest() == b""


def test_a_connection_may_idle_longer_after_a_request(server: Server) -> None:
    with Wire(server, request("/api/health", method="GET")) as idle, Wire(server) as fresh:
        assert idle.answer().status == 200
        assert fresh.rest() == b"", "the time limit of a connection without a request is over"
        idle.send(request("/api/health", method="GET"))
        assert idle.answer().status == 200


@pytest.mark.parametrize("raw", [LENGTH, LENGTH + b"x", CHUNKED, CHUNKED + b"3e8\r\n", CHUNKED + b"3e8\r\nx"])
def test_a_body_that_stalls_is_408(server: Server, raw: bytes) -> None:
    with Wire(server, HEAD + raw) as wire:
        answer = wire.answer()
        assert answer.is_problem(408, "request_timeout")
        assert answer.headers["Connection"] == "close"
        assert wire.rest() == b""


@pytest.mark.parametrize(("begin", "drop"), [(LENGTH, b"x"), (CHUNKED, b"1\r\nx\r\n")])
def test_a_body_that_arrives_byte_by_byte_is_408(server: Server, begin: bytes, drop: bytes) -> None:
    with Wire(server, HEAD + begin) as wire:
        while not wire.says(0.05):
            wire.send(drop)
        assert wire.answer().is_problem(408, "request_timeout")


def test_an_unread_body_keeps_no_connection_open(server: Server) -> None:
    head = request("/api/chat/send", b"x" * 1000)[:-1000]
    with Wire(server, head) as wire:
        assert wire.answer().is_problem(401, "unauthorized")
        assert wire.rest() == b""


@pytest.mark.parametrize("path", ["/large", "/endless"])
def test_a_client_that_does_not_read_is_disconnected(bare: Server, path: str) -> None:
    with Wire(bare, request(path, method="GET"), receive_buffer=4096) as wire, Wire(bare) as other:

        def held() -> int:
            other.send(request("/", method="GET"))
            return int(json.loads(other.answer().body))

        assert wire.says(10)
        assert held() == 1, "the answer is being sent"
        wait_until(lambda: not held(), "the memory of the answer is freed", 10)
        received = 0
        with suppress(ConnectionResetError):
            while data := wire.socket.recv(1 << 20):
                received += len(data)
        assert received < LARGE
    assert "Traceback" not in bare.output()


def test_a_client_that_reads_gets_the_whole_answer(bare: Server) -> None:
    with Wire(bare, request("/large", method="GET")) as wire:
        assert len(wire.answer().body) == LARGE
        wire.send(request("/", method="GET"))
        assert wire.answer().body == b"0"


def test_a_slow_but_steady_body_is_accepted() -> None:
    pace = Pace(30)
    pace.add(30, 0)
    with pytest.raises(TimeoutError):
        pace.add(0.1, 0)
    pace.restart()
    for _ in range(1000):
        pace.add(20, MIN_BYTES_PER_SECOND * 20)
    pace.add(29, 0)
    with pytest.raises(TimeoutError):
        pace.add(20, MIN_BYTES_PER_SECOND)


def test_waiting_for_a_body_holds_no_database_connection(fresh_url: str) -> None:
    env = {"DATABASE_URL": fresh_url, "DATABASE_POOL_SIZE": "2", "RATE_LIMITS": "off"}
    account = json.dumps({"email": "patient@b.example", "password": "password123"}).encode()
    with Server(env) as server, ExitStack() as stack:
        asking = stack.enter_context(Wire(server, request("/api/auth/register", account)))
        bearer = {"Authorization": f"Bearer {asking.answer().json['access_token']}"}
        head = request("/api/chat/send", b"x" * 100, Expect="100-continue", **bearer)[:-100]
        for _ in range(10):
            waiting = stack.enter_context(Wire(server, head))
            assert waiting.answer().status == 100, "the server waits for the body"
        asking.send(request("/api/users/me", method="GET", **bearer))
        assert asking.says(5)
        assert asking.answer().status == 200
