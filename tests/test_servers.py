"""gunicorn.conf.py, with gunicorn itself and a small application."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.processes import wait_until
from tests.servers import ROOT, Server, stand_in

STAND_IN = """
import json, os, sys, threading, time
if os.environ.get("REFUSE"):
    sys.exit("not at head: flask db upgrade")
if os.environ.get("LOAD_SECONDS"):
    print("loading", flush=True)
    until = time.monotonic() + float(os.environ["LOAD_SECONDS"])
    while time.monotonic() < until:  # as an import does, it never gives way
        pass
def app(environ, start_response):
    if environ["PATH_INFO"] == "/fault":
        raise RuntimeError("a fault")
    if environ["PATH_INFO"] == "/thread":
        threading.Thread(target=time.sleep, args=(2,)).start()
    if environ["PATH_INFO"] == "/slow":
        time.sleep(30)
    body = json.dumps({k: v for k, v in environ.items() if isinstance(v, str)}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stand_in(tmp_path_factory.mktemp("root"), STAND_IN)


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Server]:
    with Server(root=root) as running:
        yield running


def exchange(server: Server, raw: bytes) -> tuple[http.client.HTTPResponse, Any]:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as client:
        client.sendall(raw)
        response = http.client.HTTPResponse(client)
        response.begin()
        return response, json.loads(response.read())


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"GARBAGE?token=secret\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"x" * 9000 + b"?token=secret HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
        (b"GET /?token=secret HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET /?token=secret HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "bad_request"),
        (b"GET /fault?token=secret HTTP/1.1\r\nHost: a\r\n\r\n", 500, "internal_error"),
    ],
)
def test_gunicorns_own_errors_are_problems(server: Server, raw: bytes, status: int, code: str) -> None:
    response, problem = exchange(server, raw)
    assert (response.status, problem["status"], problem["code"]) == (status, status, code)
    assert response.headers.get_content_type() == "application/problem+json"
    assert response.headers["X-Request-ID"] == problem["request_id"]
    assert problem["request_id"] in server.output()
    assert "secret" not in server.output()


def test_an_id_of_4000_digits_reaches_the_application(server: Server) -> None:
    response, _ = exchange(server, b"GET /api/rooms/" + b"9" * 4000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert response.status == 200


def test_no_header_changes_the_address_by_default(server: Server) -> None:
    headers = b"X-Forwarded-Proto: https\r\nSCRIPT_NAME: /a\r\nX_Forwarded_For: 1.2.3.4\r\n"
    _, environ = exchange(server, b"GET / HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")
    assert (environ["wsgi.url_scheme"], environ["SCRIPT_NAME"]) == ("http", "")
    assert "HTTP_X_FORWARDED_FOR" not in environ


def test_the_log_is_json_and_the_address_is_printed(server: Server) -> None:
    lines = server.output().splitlines()
    announcements = [line for line in lines if line.startswith("Confab is at ")]
    assert announcements == [f"Confab is at {server.url} (API: {server.url}/docs). Ctrl-C ends it."]
    records = [json.loads(line) for line in lines if line not in announcements]
    assert all(record["time"].endswith("Z") for record in records)
    started = next(record for record in records if record["message"].startswith("Listening at"))
    assert started.keys() == {"time", "level", "logger", "message", "pid"}
    assert (started["level"], started["logger"], started["pid"]) == ("info", "gunicorn.error", server.pid)


def test_an_application_that_refuses_to_start_ends_the_server(root: Path) -> None:
    with Server({"REFUSE": "1"}, root=root, wait=False) as server:
        assert server.wait() != 0
        assert server.output().count("not at head: flask db upgrade") == 1


def test_several_workers_without_redis_are_refused_with_all_errors(root: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)ended with 1; .*REDIS_URL.*\n.*PostgreSQL"):
        Server({"WEB_CONCURRENCY": "2"}, root=root)


def test_ctrl_c_ends_it_without_a_traceback(root: Path) -> None:
    with Server(root=root) as server:
        exchange(server, b"GET /thread HTTP/1.1\r\nHost: a\r\n\r\n")  # the worker waits for it at its end
        os.killpg(server.pid, signal.SIGINT)  # as a terminal does, to master and workers at once
        assert server.wait() == 0
        assert "Traceback" not in server.output()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_still_loading_can_be_stopped(root: Path, signum: int) -> None:
    with Server({"LOAD_SECONDS": "1"}, root=root, wait=False) as server:
        wait_until(lambda: "loading" in server.output(), "a worker that loads")
        assert server.stop(signum, patience=10) == 0, server.output()
        assert "Traceback" not in server.output()
        assert "graceful timeout" not in server.output()


@contextmanager
def end_worker(server: Server) -> Iterator[None]:
    """Tell the worker to end, and wait for the next one after the block."""
    worker = server.worker_pids[0]
    os.kill(worker, signal.SIGTERM)
    yield
    wait_until(lambda: (pids := server.worker_pids) and worker not in pids, "another worker")
    server.wait_until_ready()


def test_a_request_on_a_new_connection_at_the_workers_end_is_answered(server: Server) -> None:
    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    address = ("127.0.0.1", server.port)
    with (
        closing(socket.create_connection(address, timeout=10)) as fresh,
        closing(socket.create_connection(address, timeout=10)) as used,
    ):
        used.sendall(ask)  # connections are accepted in order: the worker has the new one as well
        assert used.recv(65536).startswith(b"HTTP/1.1 200")
        with end_worker(server):
            assert used.recv(1) == b"", "it ends idle connections"
            fresh.sendall(ask)
            assert fresh.recv(65536).startswith(b"HTTP/1.1 200")
            assert fresh.recv(1) == b"", "one request, no more"


def test_requests_on_idle_connections_at_the_workers_end_are_answered(server: Server) -> None:
    """A proxy that keeps connections may send the next request before it knows of the end, and sends a POST only once."""
    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        address = ("127.0.0.1", server.port)
        kept = [stack.enter_context(closing(socket.create_connection(address, timeout=10))) for _ in range(30)]
        for client in kept:
            client.sendall(ask)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        stack.enter_context(end_worker(server))
        probe = kept.pop()
        while answer := probe.recv(65536) if probe.send(ask) else b"":
            if b"connection: close" in answer.lower():
                break  # the worker has begun to end
        for client in kept:
            client.sendall(ask)
        for client in kept:
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in answer.lower()
            assert client.recv(1) == b""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_time_despite_hanging_requests_and_idle_connections(root: Path, signum: int) -> None:
    with Server(root=root) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        started = time.monotonic()
        assert server.stop(signum, patience=10) == 0
        assert time.monotonic() - started < 9.5


def test_a_dotenv_file_is_read_and_the_environment_takes_precedence(root: Path) -> None:
    """Without documentation, the printed address does not name it."""
    (root / ".env").write_text("PUBLIC_URL=https://from.file.example\nLOG_LEVEL=warning\nDOCS=off\n")
    try:
        with Server({"FLASK_SKIP_DOTENV": "", "LOG_LEVEL": "info"}, root=root) as server:
            assert "Confab is at https://from.file.example. Ctrl-C ends it." in server.output().splitlines()
            assert '"level":"info"' in server.output()
    finally:
        (root / ".env").unlink()


def test_the_head_and_the_body_of_an_answer_are_sent_together(server: Server) -> None:
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as client:
        for _ in range(20):  # a slow client could receive both at once even if they were sent separately
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).endswith(b"}")


def test_a_client_that_never_pauses_does_not_block_others(server: Server) -> None:
    count, ask = 400, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    address = ("127.0.0.1", server.port)
    with (
        closing(socket.create_connection(address, timeout=10)) as greedy,
        closing(socket.create_connection(address, timeout=10)) as other,
    ):
        greedy.sendall(ask * count)
        other.sendall(ask)
        assert other.recv(65536).startswith(b"HTTP/1.1 200")
        greedy.setblocking(False)
        answered = b""
        with suppress(BlockingIOError):
            while data := greedy.recv(65536):
                answered += data
    assert answered.count(b"HTTP/1.1 200") < count


class PlatformServer(Server):
    """The `web` process of Procfile, as a platform starts it."""

    def command(self) -> list[str | Path]:
        (web,) = (line.removeprefix("web: ") for line in (ROOT / "Procfile").read_text().splitlines())
        return ["sh", "-c", web]

    @property
    def _last_signal(self) -> signal.Signals:
        return signal.SIGTERM  # a shell waits for its command after SIGINT


@pytest.mark.parametrize(("host", "is_public"), [("", True), ("127.0.0.1", False)])
def test_the_procfile_listens_where_a_platform_can_reach_it(root: Path, host: str, is_public: bool) -> None:
    """A platform gives PORT alone, and connects from another address. HOST still takes precedence."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with PlatformServer({"HOST": host, "PATH": path}, root=root) as server, closing(socket.socket()) as client:
        reached = client.connect_ex(("127.0.0.2", server.port)) == 0
    assert reached == is_public
