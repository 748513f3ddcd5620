"""How gunicorn serves Confab: `gunicorn --config gunicorn.conf.py wsgi:app`.

Runs in the master, before any worker is forked and patched by gevent, so it imports nothing of `backend`.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
from dotenv import load_dotenv
from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # bin/gunicorn has its own folder there, and config.py is here

import metrics_folder  # noqa: E402
from config import Config, ConfigError  # noqa: E402

# The same file and the same rule as the `flask` command: what the environment says wins.
if not os.environ.get("FLASK_SKIP_DOTENV"):
    load_dotenv(HERE / ".env")

try:
    environment = Config.from_env()
except ConfigError as error:
    sys.exit("\n".join(f"confab: {fault}" for fault in error.faults))

REFUSALS = {
    errors.LimitRequestLine: (414, "URI Too Long", "uri_too_long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large", "headers_too_large"),
    errors.ExpectationFailed: (417, "Expectation Failed", "expectation_failed"),
}
BAD_REQUEST = (400, "Bad Request", "bad_request")
INTERNAL_ERROR = (500, "Internal Server Error", "internal_error")


class _Waiting:
    """A connection's wait for its next request. It ends in silence, after the keep-alive time or when the worker ends."""

    def __init__(self, worker: Worker):
        self.worker = worker
        self.timeout = gevent.Timeout(worker.cfg.keepalive if worker.alive else 0, False)
        self.greenlet = gevent.getcurrent()

    def __enter__(self) -> None:
        self.worker.idle.add(self)
        self.timeout.start()

    def __exit__(self, *error: Any) -> bool | None:
        self.worker.idle.discard(self)
        return self.timeout.__exit__(*error)

    def end(self) -> None:
        """End the wait now."""
        gevent.kill(self.greenlet, self.timeout)


class Worker(GeventWorker):
    """gunicorn's gevent worker, with some of its manners changed."""

    is_quitting = False

    def init_process(self) -> None:
        """Begin to serve."""
        self.idle: set[_Waiting] = set()
        super().init_process()

    def timeout_ctx(self) -> Any:
        """What bounds the wait for the next request of a connection: the keep-alive time, or the end of the worker."""
        return _Waiting(self)

    def load_wsgi(self) -> None:
        """Load the application; where it refuses to start, stop the whole server.

        An exit from wsgi.py would otherwise look like a crash, and gunicorn would fork the next worker for ever.
        """
        try:
            super().load_wsgi()
        except SystemExit as refusal:
            if isinstance(refusal.code, str):
                print(refusal.code, file=sys.stderr, flush=True)
            sys.exit(Arbiter.WORKER_BOOT_ERROR if refusal.code else 0)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End gracefully: open sockets would hold the worker for the whole graceful timeout."""
        super().handle_exit(sig, frame)
        self.close_sockets()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Answer one request, in as few packets as can be, and let others have their turn.

        A client whose next request is always there already would otherwise be served for as long as it goes on.
        """
        whole = WholeAnswers(sock)
        try:
            super().handle_request(listener_name, req, whole, addr)
        finally:
            whole.flush()
        gevent.sleep(0)

    def is_already_handled(self, respiter: Any) -> bool:
        """Leave a connection that the application took over (a WebSocket): gunicorn closes its own descriptor and no more."""
        if getattr(respiter, "is_detached", False):
            raise StopIteration
        return False

    def close_sockets(self) -> None:
        """Tell every socket to come back later, and end idle connections. In greenlets: a signal may interrupt anything."""
        stop = getattr(self.wsgi, "extensions", {}).get("confab-stop")
        if stop is not None:
            gevent.spawn(stop)
        gevent.spawn(self.end_idle)

    def end_idle(self) -> None:
        """Wait for no further request. One that is being answered is the last of its connection."""
        for waiting in list(self.idle):
            waiting.end()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once, on the first signal alone.

        Ctrl-C reaches a worker twice, from the terminal and through the master, and the second exit ended in a traceback.
        """
        if not self.is_quitting:
            self.is_quitting = True
            self.close_sockets()
            super().handle_quit(sig, frame)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never reached the application in the shape of all other errors.

        gunicorn's own answers are HTML, and its log lines quote the request with its query string, where tokens are.
        """
        status, title, code = refusal = _refusal(exc)
        request_id = secrets.token_hex(16)
        if refusal is INTERNAL_ERROR:
            self.log.error("Unhandled error, request id %s", request_id, exc_info=exc)
        else:
            self.log.warning("Refused a request: %s %s, request id %s", status, type(exc).__name__, request_id)
        problem = {"type": "about:blank", "title": title, "status": status, "detail": f"{title}.", "code": code}
        body = json.dumps({**problem, "request_id": request_id})
        head = f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        head += f"Content-Length: {len(body)}\r\nX-Request-ID: {request_id}\r\n\r\n"
        try:
            util.write_nonblock(client, (head + body).encode())
        except OSError:
            self.log.debug("The client was gone before the answer")


def _refusal(exc: BaseException) -> tuple[int, str, str]:
    if isinstance(exc, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName):
        return INTERNAL_ERROR  # the application's own fault, though a kind of ParseException
    if isinstance(exc, errors.ParseException):
        return REFUSALS.get(type(exc), BAD_REQUEST)
    return INTERNAL_ERROR


class WholeAnswers:
    """A client's socket that sends the head of an answer together with the first of its body: one packet, one system call.

    Whatever else is done with the socket happens behind what is held back.
    """

    def __init__(self, sock: Any):
        self._sock = sock
        self._head: bytes | None = b""

    def sendall(self, data: bytes) -> None:
        """Hold the first *data* of an answer back until there is more, or `flush`."""
        if self._head is None:
            self._sock.sendall(data)
        elif self._head:
            self._head, whole = None, self._head + data
            self._sock.sendall(whole)
        else:
            self._head = data

    def flush(self) -> None:
        """Send what is held back."""
        if self._head:
            self._head, held = None, self._head
            self._sock.sendall(held)

    def __getattr__(self, name: str) -> Any:
        self.flush()
        return getattr(self._sock, name)


class ErrorLog(Logger):
    """gunicorn's log of errors alone. Once anything of logging is configured, it would also put each request into words."""

    def access(self, *_: Any) -> None:
        """Say nothing: the application logs its requests itself, without the query string, where tokens are."""


class JsonLines(logging.Formatter):
    """One JSON object a line, like the application's own log."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def post_worker_init(worker: Any) -> None:
    """Let the worker send what waits in the outbox, and tell whoever started it by hand where to look."""
    for name in ("confab-outbox", "confab-metrics"):
        if part := getattr(worker.wsgi, "extensions", {}).get(name):
            part.start()
    if environment.app_env == "development" and worker.age == 1:
        print(
            f"Confab is at {environment.public_url} (API: {environment.public_url}/docs). Ctrl-C ends it.", flush=True
        )


def child_exit(server: Any, worker: Any) -> None:  # a worker's open sockets end with it; what it counted stays
    metrics_folder.forget(environment, worker.pid, server.log)


metrics_folder.prepare(environment)

# A connection is a descriptor, and the usual soft limit of 1,024 would be the real limit on clients.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 65_536 if _hard == resource.RLIM_INFINITY else min(_hard, 65_536)
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

_host = f"[{environment.host}]" if ":" in environment.host else environment.host
bind = f"{_host}:{environment.port}"
workers = environment.web_concurrency
worker_class = Worker
# Requests under way and idle keep-alive connections of one worker; beyond it clients wait in the backlog. Sockets leave the
# request behind when they detach, and are not counted.
worker_connections = 10_000
# A shared port would let a second server start on it unnoticed and take half of the requests.
reuse_port = False
# Forking after the application was loaded would share its database connections, and kill its listener threads.
preload_app = False

# A worker whose loop does not turn for so long is stuck and is replaced. It is no limit on a request.
timeout = 30
# What is still being answered at SIGTERM has so long, and up to 2 s follow. Idle keep-alive connections and sockets are told
# to go at once, so that a worker with nothing to answer is gone in 2 s.
graceful_timeout = 5
# Also the time in which a client has to send the head of its request. deploy/nginx.conf drops its idle connections sooner, so
# that it never sends a request into one that closes.
keepalive = 60

# The longest line that gunicorn's parser can be told to take: an id of 4,000 digits is the application's to refuse.
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# Bodies are bounded by the application, which knows the route: 413 from Content-Length, before a byte is read.

# gunicorn_h1c, where somebody installs it, would be used by "auto": requests would be parsed by code that no test here met.
http_parser = "python"
# X_Forwarded_For would become the same WSGI variable as X-Forwarded-For.
header_map = "drop"
# Who is trusted is TRUSTED_PROXIES' to say, in the application. gunicorn would believe every process of this machine about the
# scheme, SCRIPT_NAME and PATH_INFO.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""

# Otherwise gunicorn opens a socket in the home folder through which it can be steered.
control_socket_disable = True
# A heartbeat file on a busy disk can stall a worker until it is taken for dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

accesslog = None
logger_class = ErrorLog
loglevel = environment.log_level
logconfig_dict = {
    "root": {"level": "WARNING", "handlers": []},  # the application's to configure
    "loggers": {"gunicorn.error": {"level": loglevel.upper(), "handlers": ["stderr"], "propagate": False}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "formatters": {"json": {"()": JsonLines}},
}
