"""No issued secret is in the database or in the log. The whole flow runs in a real server with the most verbose logging."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pyotp
import pytest
import requests
import sqlalchemy as sa

from tests.outbox.sinks import MailSink, WebSink, mail_sink, web_sink
from tests.processes import wait_until
from tests.servers import Server

MOBILE, EMAIL = "+46701740605", "ann@example.com"
PASSWORDS = ["the first password", "the second password", "the third password", "a wrong password"]


@pytest.fixture
def sinks() -> Iterator[tuple[WebSink, MailSink]]:
    with web_sink() as web, mail_sink() as mail:
        yield web, mail


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, new_migrated_database: Callable[[str], str]) -> str:
    return new_migrated_database(request.param)


def dump(url: str) -> str:
    """Every row of every table, as text."""
    engine = sa.create_engine(re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", url))
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        rows = [
            f"{table.name}: {list(row)!r}"
            for table in metadata.sorted_tables
            for row in connection.execute(sa.select(table))
        ]
    engine.dispose()
    return "\n".join(rows)


class Flow:
    """A user and a server; `secrets` collects every secret that either sends."""

    def __init__(self, server: Server, web: WebSink, mail: MailSink):
        self.server, self.web, self.mail = server, web, mail
        self.secrets: list[str] = [*PASSWORDS]
        self.token = ""

    def call(self, path: str, body: dict[str, Any] | None = None, method: str = "POST", **expected: int) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = requests.request(method, self.server.url + path, json=body, headers=headers, timeout=20)
        assert response.status_code == expected.get("status", 200), (path, response.text)
        answer = response.json() if response.content else {}
        for name in ("access_token", "refresh_token", "token", "ticket", "secret"):
            if name in (answer or {}):
                self.secrets.append(answer[name])
        return answer

    def take_tokens(self, answer: dict[str, Any]) -> None:
        self.token = answer["access_token"]

    def text(self, count: int) -> str:
        wait_until(lambda: len(self.web.requests) >= count, "a text")
        code = re.findall(r"\d{6}", json.loads(self.web.requests[count - 1][2])["text"])[0]
        self.secrets.append(f" {code} ")
        return str(code)

    def link(self, page: str) -> str:
        pattern = rb"/#/" + page.encode() + rb"\?token=([\w-]+)"
        found: list[bytes] = []
        wait_until(lambda: found.extend(m[1] for raw in self.mail.raw if (m := re.search(pattern, raw))) or found, page)
        self.secrets.append(found[-1].decode())
        return found[-1].decode()

    def run(self) -> None:
        body = {"email": EMAIL, "password": PASSWORDS[0]}
        self.take_tokens(self.call("/api/auth/register", body, status=201))
        self.call("/api/auth/verify-email", {"token": self.link("verify")}, status=204)
        self.call("/api/auth/ws-ticket", status=201)
        self.call("/api/auth/tokens", {"name": "script"}, status=201)
        answer = self.call("/api/auth/login", body)
        self.take_tokens(self.call("/api/auth/refresh", {"refresh_token": answer["refresh_token"]}))
        change = {"current_password": PASSWORDS[0], "new_password": PASSWORDS[1]}
        self.call("/api/auth/change-password", change, status=204)
        self.call("/api/auth/login", {"email": EMAIL, "password": PASSWORDS[3]}, status=401)
        self.call("/api/auth/forgot-password", {"email": EMAIL}, status=202)
        reset = {"token": self.link("reset"), "password": PASSWORDS[2]}
        self.token = ""
        self.call("/api/auth/reset-password", reset, status=204)
        self.take_tokens(self.call("/api/auth/login", {"email": EMAIL, "password": PASSWORDS[2]}))
        self.call("/api/auth/send-otp", {"mobile": MOBILE}, status=202)
        self.call("/api/auth/verify-otp", {"mobile": MOBILE, "code": self.text(1)})
        self.call("/api/auth/confirm", {"password": PASSWORDS[2]}, status=204)
        self.factor()

    def factor(self) -> None:
        secret = self.call("/api/auth/totp", {"password": PASSWORDS[2]}, status=201)["secret"]
        code = pyotp.TOTP(secret).now()
        codes = self.call("/api/auth/totp/confirm", {"totp_code": code})["recovery_codes"]
        self.secrets += [each for code in codes for each in (code, code.replace("-", ""))]
        login = {"email": EMAIL, "password": PASSWORDS[2], "totp_code": codes[0]}
        self.token = ""
        self.take_tokens(self.call("/api/auth/login", login))


def test_no_secret_is_stored_or_logged(sinks: tuple[WebSink, MailSink], database_url: str, redis_url: str) -> None:
    web, mail = sinks
    env = {
        "DATABASE_URL": database_url,
        "LOG_LEVEL": "debug",
        "SMS_GATEWAY": "webhook",
        "SMS_WEBHOOK_URL": f"{web.url}/hook?key=hook-secret",
        "SMTP_URL": mail.url,
        "SECRET_KEY": "s" * 20 + "-the-secret-key-itself",
        "JWT_SECRET_KEY": "j" * 20 + "-the-jwt-key-itself",
    }
    with Server(env, measured=True) as server:
        flow = Flow(server, web, mail)
        flow.run()
        web.statuses = [503] * 100
        flow.token = ""
        flow.call("/api/auth/send-otp", {"mobile": MOBILE}, status=202)
        flow.secrets.append(f" {flow.text(2)} ")
        wait_until(lambda: "attempt 1: HTTP 503" in server.output(), "a failure in the log")
        found, log = dump(database_url), server.output()
    secrets = [*flow.secrets, "hook-secret", env["SECRET_KEY"], env["JWT_SECRET_KEY"]]
    assert len(secrets) > 30
    assert EMAIL in found
    assert "POST" in log
    assert "debug" in log
    leaks = [secret for secret in secrets if secret in found or secret in log]
    assert leaks == []
    waiting = [line for line in found.splitlines() if line.startswith("outbox:") and "HTTP 503" in line]
    assert len(waiting) == 1
    assert MOBILE not in waiting[0]
