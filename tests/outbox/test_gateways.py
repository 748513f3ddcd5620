"""Texts and mails as gateways send them."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs

import gevent
import pytest
from flask import Flask

from backend.ops.doctor import examine
from backend.outbox import gateways, mail
from backend.outbox.gateways import SMS_LOGGED, SMS_NOT_SENT, Console, Failed, Refused, Twilio, Webhook, sms_gateway
from backend.outbox.mail import MAIL_LOGGED, MAIL_NOT_SENT, ConsoleMailer, Mail, SmtpMailer, mailer
from backend.state import confab_state
from config import Config
from tests.outbox.sinks import MailSink, WebSink, mail_sink, web_sink

TO = "+46701740605"
MAIL = Mail(
    "ann@example.com", "Set a new password", "Hello ann,\n\n" + "https://x.example/#/reset?token=" + "t" * 80 + "\n"
)
FROM = "Confab <confab@example.com>"
PRODUCTION = {"APP_ENV": "production", "SECRET_KEY": token_hex(32), "JWT_SECRET_KEY": token_hex(32)}


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


@pytest.fixture
def smtp() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


def test_the_webhook(web: WebSink) -> None:
    Webhook(f"{web.url}/sms?key=k").send(TO, "å 123456", "key-1")
    [(path, headers, body)] = web.requests
    assert (path, json.loads(body)) == ("/sms?key=k", {"to": TO, "text": "å 123456"})
    assert (headers["content-type"], headers["idempotency-key"]) == ("application/json", "key-1")


@pytest.mark.parametrize("sender", [("+15005550006", "From"), ("MGabc", "MessagingServiceSid")])
def test_twilio(web: WebSink, monkeypatch: pytest.MonkeyPatch, sender: tuple[str, str]) -> None:
    monkeypatch.setattr(gateways, "TWILIO_URL", web.url)
    Twilio("AC1", "token", sender[0]).send(TO, "Code: 123456", "key-1")
    [(path, headers, body)] = web.requests
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"AC1:token"
    assert parse_qs(body.decode()) == {"To": [TO], sender[1]: [sender[0]], "Body": ["Code: 123456"]}


@pytest.mark.parametrize(
    ("status", "kind"),
    [*((status, Failed) for status in (500, 503, 429, 401, 404, 307, 0)), *((s, Refused) for s in (400, 410, 422))],
)
def test_answers_of_a_provider(web: WebSink, status: int, kind: type[Exception]) -> None:
    web.statuses = [status]
    with pytest.raises(kind) as raised:
        Webhook(web.url).send(TO, "123456", "key-1")
    assert str(raised.value) == (f"HTTP {status}" if status else "BadStatusLine")
    assert len(web.requests) == 1, "no redirect is followed"


def test_an_unreachable_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "STEP_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as hung:
        port = hung.getsockname()[1]
        for scheme in ("http", "https"):
            with pytest.raises(TimeoutError):
                Webhook(f"{scheme}://127.0.0.1:{port}").send(TO, "x", "key")
        monkeypatch.setattr(mail, "STEP_SECONDS", 0.2)
        with pytest.raises((TimeoutError, Failed)):
            SmtpMailer(f"smtp://127.0.0.1:{port}", FROM).send(MAIL, "key")
    with pytest.raises(ConnectionRefusedError):
        Webhook(f"http://127.0.0.1:{port}").send(TO, "x", "key")
    with pytest.raises(ConnectionRefusedError):
        SmtpMailer(f"smtp://127.0.0.1:{port}", FROM).send(MAIL, "key")


def test_a_mail_on_the_wire(smtp: MailSink) -> None:
    SmtpMailer(smtp.url, FROM).send(MAIL, "confab-outbox-7")
    [message] = smtp.mails
    assert (message["From"], message["To"], message["Subject"]) == (FROM, MAIL.to, MAIL.subject)
    assert (message["Message-ID"], message["Auto-Submitted"]) == ("<confab-outbox-7@example.com>", "auto-generated")
    assert message.get_content_type() == "text/plain"
    assert MAIL.text.encode().replace(b"\n", b"\r\n") in smtp.raw[0], "a link is not wrapped"
    SmtpMailer(smtp.url, FROM).send(Mail(MAIL.to, "Å", "å\n"), "key")
    assert (smtp.mails[1]["Subject"], smtp.mails[1].get_content().strip()) == ("Å", "å")


@pytest.mark.parametrize(
    ("answer", "kind"), [("550 no", Refused), ("554 spam", Refused), ("451 later", Failed), ("421 busy", Failed)]
)
def test_answers_of_a_mail_server(smtp: MailSink, answer: str, kind: type[Exception]) -> None:
    smtp.answer = answer
    with pytest.raises(kind) as raised:
        SmtpMailer(smtp.url, FROM).send(MAIL, "key")
    assert "ann@" not in str(raised.value)
    smtp.answer, smtp.recipient_answer = None, answer
    with pytest.raises(kind) as raised:
        SmtpMailer(smtp.url, FROM).send(MAIL, "key")
    assert "ann@" not in str(raised.value)


def test_an_address_that_the_server_does_not_support() -> None:
    with mail_sink(enable_SMTPUTF8=False) as smtp, pytest.raises(Refused, match="SMTPNotSupportedError"):
        SmtpMailer(smtp.url, FROM).send(Mail("ånn@example.com", "s", "t"), "key")
    assert smtp.mails == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key", folder / "cert"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return key, cert


@pytest.fixture
def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))


def test_starttls_and_a_password(server_context: ssl.SSLContext, trusted: None) -> None:
    sink = MailSink()
    options = {"tls_context": server_context, "require_starttls": True, "authenticator": None, "auth_required": False}
    options["authenticator"] = sink.authenticate
    with mail_sink(**options) as smtp:
        url = smtp.url.replace("//", "//ann%40x:p%40ss%20word@")
        SmtpMailer(f"{url}?starttls=1", FROM).send(MAIL, "key")
        assert (len(smtp.mails), sink.users) == (1, ["ann@x"])
        with pytest.raises(Failed, match="SMTPAuthenticationError"):
            SmtpMailer(f"{url.replace('word', 'wrong')}?starttls=1", FROM).send(MAIL, "key")
        with pytest.raises((Refused, Failed)):
            SmtpMailer(url, FROM).send(MAIL, "key")
    assert len(smtp.mails) == 1


def test_tls_from_the_start_checks_the_certificate(
    server_context: ssl.SSLContext, request: pytest.FixtureRequest
) -> None:
    with mail_sink(ssl_context=server_context) as smtp:
        url = smtp.url.replace("smtp:", "smtps:")
        with pytest.raises(ssl.SSLCertVerificationError):
            SmtpMailer(url, FROM).send(MAIL, "key")
        request.getfixturevalue("trusted")
        SmtpMailer(url, FROM).send(MAIL, "key")
    assert len(smtp.mails) == 1


@pytest.mark.parametrize(
    ("url", "port"),
    [("smtp://h", 25), ("smtp://h?starttls=1", 587), ("smtps://h", 465), ("smtps://h:1", 1), ("smtp://h:2", 2)],
)
def test_default_ports(url: str, port: int) -> None:
    assert SmtpMailer(url, FROM).port == port


def test_the_console(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    Console(True).send(TO, "Code: 123456", "key")
    ConsoleMailer(True).send(MAIL, "key")
    assert [record.getMessage() for record in caplog.records] == [
        f"sms to {TO}: Code: 123456",
        f"mail to {MAIL.to}: {MAIL.subject}\n{MAIL.text}",
    ]


def test_the_configured_gateway_is_used() -> None:
    def config(**values: str) -> Config:
        return Config.from_env({"INSTANCE_DIR": "/nonexistent", **values}, secret_key="x", jwt_secret_key="x")

    twilio = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+15005550006"}
    chosen: list[Any] = [
        sms_gateway(config()),
        sms_gateway(config(SMS_GATEWAY="webhook", SMS_WEBHOOK_URL="https://x.example")),
        sms_gateway(config(SMS_GATEWAY="twilio", **twilio)),
        mailer(config()),
        mailer(config(SMTP_URL="console")),
        mailer(config(SMTP_URL="smtp://localhost")),
    ]
    expected = [Console, Webhook, Twilio, ConsoleMailer, ConsoleMailer, SmtpMailer]
    assert [type(each) for each in chosen] == expected


@pytest.mark.parametrize(
    ("environ", "notices", "is_logged"),
    [
        ({}, [SMS_NOT_SENT, MAIL_NOT_SENT], False),
        ({"SMS_GATEWAY": "console", "SMTP_URL": "console"}, [SMS_LOGGED, MAIL_LOGGED], True),
    ],
)
def test_in_production_codes_are_only_logged_on_request(
    make_app: Callable[..., Flask],
    caplog: pytest.LogCaptureFixture,
    environ: dict[str, str],
    notices: list[str],
    is_logged: bool,
) -> None:
    """The start of a server, `flask outbox drain`, `flask doctor` and the refused message use the same sentences."""
    app = make_app({**PRODUCTION, **environ})
    outbox: Any = confab_state(app).outbox
    caplog.set_level("INFO")
    gevent.killall(outbox.start())
    assert [record.getMessage() for record in caplog.records] == notices
    assert [finding.problem for finding in examine(app) if finding.severity == "advice"] == notices
    drained = app.test_cli_runner().invoke(args=["outbox", "drain"])
    assert drained.stderr == "".join(f"Warning: {notice}\n" for notice in notices)
    for send in (lambda: outbox.sms.send(TO, "Code: 123456", "k"), lambda: outbox.mail.send(MAIL, "k")):
        if is_logged:
            send()
        else:
            with pytest.raises(Refused) as refusal:
                send()
            assert str(refusal.value) in notices
    assert ("123456" in caplog.text, "token=ttt" in caplog.text) == (is_logged, is_logged)


@pytest.mark.parametrize(
    "environ", [{"SMTP_URL": "smtps://mail.example.com", "SMS_GATEWAY": "off"}, {"APP_ENV": "development"}]
)
def test_nothing_is_said_where_messages_are_sent_or_nobody_else_reads_the_log(
    make_app: Callable[..., Flask], environ: dict[str, str]
) -> None:
    assert confab_state(make_app({**PRODUCTION, **environ})).outbox.notices == []
