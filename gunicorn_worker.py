"""Confab's worker class for gunicorn. The master loads it before it forks, so it imports nothing of `backend`."""

from __future__ import annotations

import json
import re
import secrets
import signal
import sys
from typing import Any

import gevent
from gunicorn.arbiter import Arbiter
from gunicorn.http import errors
from gunicorn.http.parser import RequestParser
from gunicorn.workers.ggevent import GeventWorker

from gunicorn_client import Client, Request, SlowHead

REFUSALS = {
    errors.LimitRequestLine: (414, "URI Too Long", "uri_too_long", "The address is too long."),
    errors.LimitRequestHeaders: (
        431, "Request Header Fields Too Large", "headers_too_large", "The request has too many headers, or they are too large.",
    ),
    errors.ExpectationFailed: (417, "Expectation Failed", "expectation_failed", "The Expect header allows only 100-continue."),
    errors.UnsupportedTransferCoding: (
        501, "Not Implemented", "unsupported_transfer_coding", "The Transfer-Encoding header allows only chunked.",
    ),
    SlowHead: (408, "Request Timeout", "request_timeout", "The request did not arrive in time."),
}  # fmt: skip
BAD_REQUEST = (400, "Bad Request", "bad_request", "This is not a valid HTTP request.")
INTERNAL_ERROR = (500, "Internal Server Error", "internal_error", "Something went wrong on the server.")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


# How long a connection may take for its first request, or for the next one, when the worker ends. So a request is answered if
# the client sent it before it could know of the end. The answer tells it to close the connection. A proxy sends a POST only once,
# so one that met a closed connection would be lost.
FIRST_REQUEST_SECONDS = 1.0
NEXT_REQUEST_SECONDS = 0.5


class KeepAliveWait:
    """The time limit of a connection's wait for its next request: the keep-alive time, or the end of the worker.

    At its end the connection is closed without a response. Once the head has begun to arrive it must be complete within
    `Worker.patience`; otherwise it is refused (SlowHead).
    """

    def __init__(self, worker: Worker):
        self.worker = worker
        self.greenlet = gevent.getcurrent()
        self.client: Client = self.greenlet.client
        self.last_chance = NEXT_REQUEST_SECONDS if self.client.has_asked else FIRST_REQUEST_SECONDS
        self.reads = 0
        self.head: gevent.Timeout | None = None
        usual = worker.cfg.keepalive if self.client.has_asked else worker.patience
        patience = usual if worker.alive else self.last_chance
        self.timeout = gevent.Timeout(patience, False)

    def __enter__(self) -> None:
        self.client.waiting = self
        self.worker.idle.add(self)
        self.timeout.start()

    def __exit__(self, *error: Any) -> bool | None:
        self.client.waiting = None
        self.worker.idle.discard(self)
        if self.head is not None:
            self.head.close()
        return self.timeout.__exit__(*error)

    def begin_read(self) -> None:
        """Record a read. At the second one, the head has begun and is incomplete."""
        self.reads += 1
        if self.reads == 2:
            self.timeout.cancel()
            self.head = gevent.Timeout.start_new(self.worker.patience, SlowHead())

    def end(self) -> None:
        """End the wait soon, unless the request arrives meanwhile."""
        gevent.spawn_later(self.last_chance, self._end_now)

    def _end_now(self) -> None:
        if self in self.worker.idle:
            gevent.kill(self.greenlet, self.timeout)


class Worker(GeventWorker):
    """gunicorn's gevent worker, with time limits for clients, problem+json errors, and a quick end."""

    patience: float = 30
    """Seconds for the head of a request, and for a client that stalls in a body or response. gunicorn.conf.py sets it."""

    wsgi: Any = None
    is_quitting = False

    def init_process(self) -> None:
        """Start the worker.

        It has inherited the signal handlers of the master, which only queue signals. Until gunicorn sets those of the worker, the
        default handlers end the process.
        """
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(signum, signal.SIG_DFL)
        self.idle: set[KeepAliveWait] = set()
        RequestParser.mesg_class = Request
        super().init_process()

    def timeout_ctx(self) -> Any:
        """The time limit for the next request of a connection."""
        return KeepAliveWait(self)

    def load_wsgi(self) -> None:
        """Load the application. If it refuses to start, stop the whole server.

        Otherwise an exit of wsgi.py would look like a crash, and gunicorn would fork new workers for ever.
        """
        try:
            super().load_wsgi()
        except SystemExit as refusal:
            if isinstance(refusal.code, str):
                print(refusal.code, file=sys.stderr, flush=True)
            sys.exit(Arbiter.WORKER_BOOT_ERROR if refusal.code else 0)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End gracefully, and close the sockets: they would keep the worker alive for the whole graceful timeout."""
        super().handle_exit(sig, frame)
        self.close_sockets()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        gevent.getcurrent().client = bounded = Client(client, self.patience)
        super().handle(listener, bounded, addr)

    def handle_request(self, listener_name: Any, req: Any, client: Client, addr: Any) -> None:
        """Answer one request in few packets, then let other greenlets run.

        Otherwise a client that always has its next request ready would block all others.
        """
        client.has_asked = True
        client.outgoing.restart()
        whole = BufferedResponseSocket(client)
        try:
            super().handle_request(listener_name, req, whole, addr)
        finally:
            whole.flush()
            if req.has_unread_body:
                client.linger()
        gevent.sleep(0)

    def is_already_handled(self, respiter: Any) -> bool:
        """Leave a connection that the application took over (a WebSocket). gunicorn then closes only its own descriptor."""
        if getattr(respiter, "is_detached", False):
            raise StopIteration
        return False

    def close_sockets(self) -> None:
        """Close every socket and every idle connection, in new greenlets, because a signal handler may interrupt anything."""
        state = getattr(self.wsgi, "extensions", {}).get("confab")
        if state is not None:
            gevent.spawn(state.stop)
        gevent.spawn(self.end_idle)

    def end_idle(self) -> None:
        """Close idle connections. Others are closed after the request that runs."""
        for waiting in list(self.idle):
            waiting.end()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once, on the first signal only.

        Ctrl-C reaches a worker twice, from the terminal and from the master, and a second exit would print a traceback.
        """
        if not self.is_quitting:
            self.is_quitting = True
            self.close_sockets()
            super().handle_quit(sig, frame)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that did not reach the application with problem+json, like all other errors.

        gunicorn's own responses are HTML, and its log lines quote the query string, which may hold a token.
        """
        status, title, code, detail = refusal = _refusal(exc)
        headers = getattr(req or getattr(exc, "req", None), "headers", ())
        given = next((value for name, value in headers if name == "X-REQUEST-ID"), "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        if refusal is INTERNAL_ERROR:
            self.log.error("Unhandled error, request id %s", request_id, exc_info=exc)
        else:
            self.log.warning("Refused a request: %s %s, request id %s", status, type(exc).__name__, request_id)
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
        body = json.dumps({**problem, "request_id": request_id})
        head = f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        head += f"Content-Length: {len(body)}\r\nX-Request-ID: {request_id}\r\n\r\n"
        try:
            client.sendall((head + body).encode())
            client.linger()
        except OSError:
            self.log.debug("The client closed the connection before the response")


def _refusal(exc: BaseException) -> tuple[int, str, str, str]:
    if isinstance(exc, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName):
        return INTERNAL_ERROR  # an error of the application, although a ParseException
    if isinstance(exc, errors.ParseException):
        return REFUSALS.get(type(exc), BAD_REQUEST)
    return INTERNAL_ERROR


class BufferedResponseSocket:
    """A client's socket that sends the head of a response together with the beginning of its body, in one packet.

    Every other operation on the socket first sends the buffered head.
    """

    def __init__(self, sock: Any):
        self._sock = sock
        self._head: bytes | None = b""

    def sendall(self, data: bytes) -> None:
        """Send *data*. The first data of a response is buffered until there is more, or until `flush`."""
        if self._head is None:
            self._sock.sendall(data)
        elif self._head:
            self._head, whole = None, self._head + data
            self._sock.sendall(whole)
        else:
            self._head = data

    def flush(self) -> None:
        """Send the buffered data."""
        if self._head:
            self._head, held = None, self._head
            self._sock.sendall(held)

    def __getattr__(self, name: str) -> Any:
        self.flush()
        return getattr(self._sock, name)
