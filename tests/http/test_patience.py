"""Time limits for clients: for the head of a request, for its body, and for reading its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from gunicorn_client import MIN_BYTES_PER_SECOND, Pace
from tests.processes import wait_until
from tests.servers import Server, stand_in
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
def server(new_migrated_database: Callable[[str], str]) -> Iterator[Server]:
    """A server that waits one second for a client."""
    env = {"DATABASE_URL": new_migrated_database("sqlite"), "CLIENT_TIMEOUT": "1", "RATE_LIMITS": "off"}
    with Server(env) as running:
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """gunicorn with a small application that returns large answers."""
    with Server({"CLIENT_TIMEOUT": "1"}, root=stand_in(tmp_path_factory.mktemp("bare"), STAND_IN)) as running:
        yield running


HEAD = b"POST /api/auth/login HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n"
LENGTH, CHUNKED = b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"


def test_a_head_that_stalls_is_408(server: Server) -> None:
    with ExitStack() as stack:
        stalled = {}
        for raw in (HEAD, b"P", b"\r\n", request("/api/health", method="GET") + HEAD):
            stalled[raw] = wire = stack.enter_context(Wire(server, raw[:-1] or raw))
            if b"/health" in raw:
                assert wire.answer().status == 200
            wire.send(raw[-1:])
        for raw, wire in stalled.items():
            assert_ended_with_408(wire, raw)


def assert_ended_with_408(wire: Wire, raw: bytes) -> None:
    """*raw* is what the client sent before it stalled."""
    answer = wire.answer()
    assert answer.is_problem(408, "request_timeout"), raw
    assert answer.headers["Connection"] == "close", raw
    assert wire.rest() == b"", raw


@pytest.mark.parametrize(
    ("begin", "drop"), [(HEAD, b"X: a\r\n"), (HEAD + LENGTH, b"x"), (HEAD + CHUNKED, b"1\r\nx\r\n")]
)
def test_a_request_that_arrives_byte_by_byte_is_408(server: Server, begin: bytes, drop: bytes) -> None:
    with Wire(server, begin) as wire:
        while not wire.says(0.05):
            wire.send(drop)
        assert wire.answer().is_problem(408, "request_timeout")


def test_a_connection_without_a_request_is_closed_silently(server: Server) -> None:
    """One that has had a request may idle longer."""
    with Wire(server, request("/api/health", method="GET")) as idle, Wire(server) as fresh:
        assert idle.answer().status == 200
        assert fresh.rest() == b"", "the time limit of a connection without a request is over"
        idle.send(request("/api/health", method="GET"))
        assert idle.answer().status == 200


def test_a_body_that_stalls_is_408(server: Server) -> None:
    with ExitStack() as stack:
        bodies = (LENGTH, LENGTH + b"x", CHUNKED, CHUNKED + b"3e8\r\n", CHUNKED + b"3e8\r\nx")
        stalled = {raw: stack.enter_context(Wire(server, HEAD + raw)) for raw in bodies}
        for raw, wire in stalled.items():
            assert_ended_with_408(wire, raw)


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


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_waiting_for_a_body_holds_no_database_connection(
    new_migrated_database: Callable[[str], str], kind: str
) -> None:
    env = {"DATABASE_URL": new_migrated_database(kind), "DATABASE_POOL_SIZE": "2", "RATE_LIMITS": "off"}
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
