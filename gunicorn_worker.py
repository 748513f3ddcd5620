"""gunicorn's worker, as Confab needs it. For the master, which loads it before it forks: imports nothing of `backend`."""

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
        431, "Request Header Fields Too Large", "headers_too_large", "The headers are too large, or too many.",
    ),
    errors.ExpectationFailed: (417, "Expectation Failed", "expectation_failed", "Expect takes 100-continue alone."),
    errors.UnsupportedTransferCoding: (
        501, "Not Implemented", "unsupported_transfer_coding", "Transfer-Encoding takes chunked alone.",
    ),
    SlowHead: (408, "Request Timeout", "request_timeout", "The request did not arrive in time."),
}  # fmt: skip
BAD_REQUEST = (400, "Bad Request", "bad_request", "This is not a valid HTTP request.")
INTERNAL_ERROR = (500, "Internal Server Error", "internal_error", "Something went wrong on the server.")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


# How long a connection that never asked anything has for its first request once the worker ends: what a client sent before it
# could know of the end is answered.
FIRST_REQUEST_SECONDS = 1.0


class KeepAliveWait:
    """A connection's wait for its next request. It ends in silence, after the keep-alive time or when the worker ends.

    Once the head has begun it has `Worker.patience` to arrive, and is refused (SlowHead) where it does not.
    """

    def __init__(self, worker: Worker):
        self.worker = worker
        self.greenlet = gevent.getcurrent()
        self.client: Client = self.greenlet.client
        self.is_first = not self.client.has_asked
        self.reads = 0
        self.head: gevent.Timeout | None = None
        if worker.alive:
            patience = worker.patience if self.is_first else worker.cfg.keepalive
        else:
            patience = FIRST_REQUEST_SECONDS if self.is_first else 0
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
        """Note that the client is read from: the second time, the head has begun and is not whole."""
        self.reads += 1
        if self.reads == 2:
            self.timeout.cancel()
            self.head = gevent.Timeout.start_new(self.worker.patience, SlowHead())

    def end(self) -> None:
        """End the wait: now, or in a moment where it is for the first request."""
        if self.is_first:
            gevent.spawn_later(FIRST_REQUEST_SECONDS, self._end_now)
        else:
            self._end_now()

    def _end_now(self) -> None:
        if self in self.worker.idle:
            gevent.kill(self.greenlet, self.timeout)


class Worker(GeventWorker):
    """gunicorn's gevent worker, with some of its manners changed."""

    patience: float = 30
    """Seconds for the head of a request, and for a client that stalls amid a body or its answer. Set by gunicorn.conf.py."""

    wsgi: Any = None
    is_quitting = False

    def init_process(self) -> None:
        """Begin to serve.

        The master's handlers, which come along with the fork, would put a signal into a queue that nobody reads here: until
        gunicorn sets the worker's own, a signal to end ends it.
        """
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(signum, signal.SIG_DFL)
        self.idle: set[KeepAliveWait] = set()
        RequestParser.mesg_class = Request
        super().init_process()

    def timeout_ctx(self) -> Any:
        """What bounds the wait for the next request of a connection: the keep-alive time, or the end of the worker."""
        return KeepAliveWait(self)

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

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        gevent.getcurrent().client = bounded = Client(client, self.patience)
        super().handle(listener, bounded, addr)

    def handle_request(self, listener_name: Any, req: Any, client: Client, addr: Any) -> None:
        """Answer one request, in as few packets as can be, and let others have their turn.

        A client whose next request is always there already would otherwise be served for as long as it goes on.
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
        """Leave a connection that the application took over (a WebSocket): gunicorn closes its own descriptor and no more."""
        if getattr(respiter, "is_detached", False):
            raise StopIteration
        return False

    def close_sockets(self) -> None:
        """Tell every socket to come back later, and end idle connections. In greenlets: a signal may interrupt anything."""
        state = getattr(self.wsgi, "extensions", {}).get("confab")
        if state is not None:
            gevent.spawn(state.stop)
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
            self.log.debug("The client was gone before the answer")


def _refusal(exc: BaseException) -> tuple[int, str, str, str]:
    if isinstance(exc, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName):
        return INTERNAL_ERROR  # the application's own fault, though a kind of ParseException
    if isinstance(exc, errors.ParseException):
        return REFUSALS.get(type(exc), BAD_REQUEST)
    return INTERNAL_ERROR


class BufferedResponseSocket:
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
