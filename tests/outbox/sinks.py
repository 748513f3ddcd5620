"""Providers that listen on real ports: a web server for texts and an SMTP server for mails, each in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class WebSink:
    """Keeps the requests that it gets; answers with `statuses`, one after the other, then with 200.

    It does not answer while `is_responsive` is not set.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.is_responsive = threading.Event()
        self.is_responsive.set()
        self.url = ""


@contextmanager
def web_sink() -> Iterator[WebSink]:
    sink = WebSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            sink.is_responsive.wait()
            status = sink.statuses.pop(0) if sink.statuses else 200
            if status == 0:
                self.wfile.write(b"nonsense\r\n\r\n")
                return
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sink.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()


class MailSink:
    """Keeps the mails that it gets. `answer` refuses the next mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.users: list[str] = []
        self.answer: str | None = None
        self.recipient_answer: str | None = None
        self.url = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer:
            return self.answer
        self.raw.append(envelope.content)
        self.mails.append(BytesParser(EmailMessage, policy=default).parsebytes(envelope.content))
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.users.append(data.login.decode())
        # `handled` would mean that this function answered the client already.
        return AuthResult(success=data.password == b"p@ss word", handled=False)


class _OnAnyPort(Controller):
    """aiosmtpd's controller checks at the configured port whether the server is up; here the port is 0, which means any free
    one.
    """

    @property
    def bound_port(self) -> int:
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def _trigger_server(self) -> None:
        socket.create_connection(("127.0.0.1", self.bound_port), 10).close()


@contextmanager
def mail_sink(**options: Any) -> Iterator[MailSink]:
    sink = MailSink()
    controller = _OnAnyPort(sink, hostname="127.0.0.1", port=0, ready_timeout=20, **options)
    controller.start()
    try:
        sink.url = f"smtp://127.0.0.1:{controller.bound_port}"
        yield sink
    finally:
        controller.stop()
