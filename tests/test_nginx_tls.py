"""deploy/nginx-tls.conf in a real nginx with a self-signed certificate, in front of a real server."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.processes import free_port
from tests.servers import Nginx, Server
from tests.threads import in_thread

HSTS = "max-age=31536000"
ACCOUNT = {"email": "tls@example.com", "password": "correct horse battery", "first_name": "Test", "last_name": "User"}


@pytest.fixture(scope="module")
def server(new_migrated_database: Callable[[str], str]) -> Iterator[Server]:
    with Server({"DATABASE_URL": new_migrated_database("sqlite"), "TRUSTED_PROXIES": "1"}) as running:
        yield running


@pytest.fixture(scope="module")
def nginx(server: Server) -> Iterator[Nginx]:
    with Nginx(f"127.0.0.1:{server.port}", tls=True) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def trusting(nginx: Nginx) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=nginx.certificate)


def call(
    proxy: Nginx, context: ssl.SSLContext, method: str, path: str, body: Any = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=10, context=context)) as connection:
        sent = {"Content-Type": "application/json", **headers}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        return response, response.read()


def test_nginx_accepts_the_file(nginx: Nginx) -> None:
    said = nginx.check()
    assert "test is successful" in said
    # Since nginx 1.25 there is another way to switch HTTP/2 on, and a warning for the one that older releases know.
    assert [line for line in said.splitlines() if "[warn]" in line and '"listen ... http2"' not in line] == []


def test_http_is_redirected(nginx: Nginx) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", nginx.plain_port, timeout=10)) as connection:
        connection.request("POST", "/api/auth/login?a=b", headers={"Host": "chat.example.com:80"})
        response = connection.getresponse()
        assert response.status == 301
        assert response.headers["Location"] == "https://chat.example.com/api/auth/login?a=b"


def test_every_answer_has_one_hsts_header(nginx: Nginx, trusting: ssl.SSLContext) -> None:
    for method, path, status in (("GET", "/api/health", 200), ("GET", "/api/rooms", 401), ("TRACE", "/", 405)):
        response, _ = call(nginx, trusting, method, path)
        assert response.status == status
        assert response.headers.get_all("Strict-Transport-Security") == [HSTS]
    with Nginx(f"127.0.0.1:{free_port()}", tls=True) as lonely:
        context = ssl.create_default_context(cafile=lonely.certificate)
        response, body = call(lonely, context, "GET", "/api/rooms")
        assert (response.status, json.loads(body)["code"]) == (503, "unavailable")
        assert response.headers.get_all("Strict-Transport-Security") == [HSTS]


def test_a_socket_hears_what_is_sent(nginx: Nginx, trusting: ssl.SSLContext) -> None:
    assert call(nginx, trusting, "POST", "/api/auth/register", ACCOUNT)[0].status == 201
    _, body = call(nginx, trusting, "POST", "/api/auth/login", {name: ACCOUNT[name] for name in ("email", "password")})
    token = json.loads(body)["access_token"]
    in_thread(lambda: asyncio.run(hear(nginx, trusting, token)))
    assert token not in nginx.access_log.read_text() + nginx.error_log.read_text()


async def hear(proxy: Nginx, context: ssl.SSLContext, token: str) -> None:
    """Send a message, and wait for its event on a socket.

    Everything in one thread: the client with threads reads and writes one TLS connection at the same time, which OpenSSL does not
    allow. With TLS 1.3 one of some 600 such handshakes hung.
    """
    address = f"wss://127.0.0.1:{proxy.port}/ws/tab?token={token}"
    async with asyncio.timeout(20), connect(address, ssl=context, proxy=None) as client:
        assert json.loads(await client.recv())["type"] == "ready"
        body, bearer = {"content": "over TLS"}, f"Bearer {token}"
        sent, _ = await asyncio.to_thread(call, proxy, context, "POST", "/api/chat/send", body, Authorization=bearer)
        assert sent.status == 201
        while "over TLS" not in str(await client.recv()):
            pass


def handshake(proxy: Nginx, context: ssl.SSLContext) -> tuple[str | None, str | None]:
    """The protocols that a client agrees on with nginx: that of TLS, and that of HTTP."""
    with (
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        return secure.version(), secure.selected_alpn_protocol()


def test_clients_of_today_agree_on_tls_1_3_and_http_2(nginx: Nginx) -> None:
    context = ssl.create_default_context(cafile=nginx.certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert handshake(nginx, context) == ("TLSv1.3", "h2")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(nginx, context) == ("TLSv1.2", "h2")


@pytest.mark.parametrize(
    ("version", "ciphers"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256"),  # without forward secrecy
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256"),  # CBC
    ],
)
def test_weak_protocols_are_refused(nginx: Nginx, version: ssl.TLSVersion, ciphers: str) -> None:
    context = ssl.create_default_context(cafile=nginx.certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    with pytest.raises(ssl.SSLError, match=r"(?i)alert|protocol|handshake"):
        handshake(nginx, context)


def test_http_to_the_port_of_https_is_refused_with_a_problem(nginx: Nginx) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)) as connection:
        connection.request("GET", "/api/health")
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["code"]) == (400, "bad_request")


def test_challenges_of_lets_encrypt_are_answered(nginx: Nginx, trusting: ssl.SSLContext) -> None:
    challenges: Path = nginx.folder.path / "acme/.well-known/acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / "token").write_text("proof")
    response, body = call(nginx, trusting, "GET", "/.well-known/acme-challenge/token")
    assert (response.status, body) == (200, b"proof")
    assert call(nginx, trusting, "GET", "/.well-known/acme-challenge/other")[0].status == 404
