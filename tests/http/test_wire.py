"""Requests that are refused before a view is reached, or while their body arrives, by a running server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.servers import Server
from tests.wire import Answer, Wire, request

HEAD = b"POST /api/auth/login HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LOGIN = b'{"email": "a@b.example", "password": "password123"}'
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.fixture(scope="module")
def server(new_migrated_database: Callable[[str], str]) -> Iterator[Server]:
    env = {"DATABASE_URL": new_migrated_database("sqlite"), "RATE_LIMITS": "off", "MAX_JSON_BYTES": "2048"}
    with Server(env) as running:
        yield running


def ask(server: Server, raw: bytes, *, half_close: bool = False) -> Answer:
    with Wire(server, raw) as wire:
        if half_close:
            wire.end()
        return wire.answer()


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5 5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5\nhello\n0\n\n" + b"\r\n",
        b"5;\x01\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nHost: b.example\r\n\r\n",
        b"5\r\nhello\r\n0\r\nno colon\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX: a\nY: b\r\n\r\n",
        b"f" * 9000,
    ],
)
def test_a_body_of_broken_chunks_is_400(server: Server, body: bytes) -> None:
    raw = HEAD + b"Transfer-Encoding: chunked\r\nX-Request-ID: mine\r\n\r\n" + body + SMUGGLED
    with Wire(server, raw) as wire:
        answer = wire.answer()
        assert answer.is_problem(400, "bad_request")
        assert answer.headers["X-Request-ID"] == "mine"
        assert answer.headers["Connection"] == "close"
        assert wire.rest() == b"", "what follows is not read as a request"


@pytest.mark.parametrize("body", [b"", b"5", b"5\r\n", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n0\r\n"])
def test_a_truncated_chunked_body_is_400(server: Server, body: bytes) -> None:
    assert ask(server, CHUNKED + body, half_close=True).is_problem(400, "bad_request")


@pytest.mark.parametrize("part", [LOGIN, LOGIN[:10], b""])
def test_a_body_shorter_than_its_length_is_400(server: Server, part: bytes) -> None:
    raw = HEAD + b"Content-Length: 200\r\n\r\n" + part
    assert ask(server, raw, half_close=True).is_problem(400, "bad_request")


def test_a_truncated_body_has_no_effect(server: Server) -> None:
    account = json.dumps({"email": "short@b.example", "password": "password123"}).encode()
    whole = request("/api/auth/register", account)
    longer = whole.replace(b"Content-Length: %d" % len(account), b"Content-Length: %d" % (len(account) + 1))
    assert ask(server, longer, half_close=True).is_problem(400, "bad_request")
    assert ask(server, whole).status == 201


@pytest.mark.parametrize(
    "host",
    [
        b"", b"Host:\r\n", b"Host: \r\n", b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: u@a\r\n", b"Host: a:b\r\n",
        b"Host: a:123456\r\n", b"Host: [::1\r\n", b"Host: <a>\r\n", b"Host: a,b\r\n", b"Host: \xe4\r\n", b"Host: a?b\r\n",
        b"Host: a\r\nHost: a\r\n", b"Host: a\r\nhost: b\r\n", b"Host : a\r\n", b"Host: a\\b\r\n", b"Host: %61\r\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [b"/api/health", b"/", b"/api/nothing"])
def test_a_missing_or_invalid_host_is_400(server: Server, host: bytes, path: bytes) -> None:
    assert ask(server, b"GET " + path + b" HTTP/1.1\r\n" + host + b"\r\n").is_problem(400, "bad_request")


@pytest.mark.parametrize("host", [b"a", b"A.example:8000", b"my_host:80", b"127.0.0.1", b"[::1]:8000", b"a."])
def test_a_valid_host_is_accepted(server: Server, host: bytes) -> None:
    assert ask(server, b"GET /api/health HTTP/1.1\r\nHost: " + host + b"\r\n\r\n").status == 200


def test_http_1_0_needs_no_host(server: Server) -> None:
    assert ask(server, b"GET /api/health HTTP/1.0\r\n\r\n").status == 200


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity, chunked", "deflate, chunked", "x, chunked", "x"])
def test_another_transfer_coding_is_501(server: Server, coding: str) -> None:
    raw = HEAD + f"Transfer-Encoding: {coding}\r\nX-Request-ID: mine\r\n\r\n".encode() + b"0\r\n\r\n" + SMUGGLED
    with Wire(server, raw) as wire:
        assert wire.answer().is_problem(501, "unsupported_transfer_coding")
        assert wire.rest() == b""


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "x", "identity, gzip"])
@pytest.mark.parametrize("path", ["/api/auth/login", "/token", "/api/users/me/avatar"])
def test_a_content_coding_is_415(server: Server, coding: str, path: str) -> None:
    answer = ask(server, request(path, LOGIN, Content_Encoding=coding))
    assert answer.is_problem(415, "unsupported_media_type")
    assert answer.headers["Accept-Encoding"] == "identity"


def test_identity_is_accepted_as_no_coding(server: Server) -> None:
    assert ask(server, request("/api/auth/login", LOGIN, Content_Encoding="identity")).status == 401


EXPECT = {"Expect": "100-continue"}


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (request("/api/chat/send", LOGIN, **EXPECT), 401, "unauthorized"),
        (request("/api/auth/login", b"x" * 3000, **EXPECT), 413, "payload_too_large"),
        (request("/api/nothing", LOGIN, **EXPECT), 404, "not_found"),
        (request("/api/auth/login", LOGIN, "PUT", **EXPECT), 405, "method_not_allowed"),
        (request("/api/auth/login", LOGIN, Content_Encoding="gzip", **EXPECT), 415, "unsupported_media_type"),
        (request("/api/auth/login", LOGIN, **EXPECT).replace(b"/json", b"/x"), 415, "unsupported_media_type"),
        (request("/api/auth/login", LOGIN, **EXPECT).replace(b"a.example\r", b"\r"), 400, "bad_request"),
        (request("/api/auth/login", LOGIN, Expect="a-cake"), 417, "expectation_failed"),
    ],
)
def test_a_refusal_comes_before_100_continue(server: Server, raw: bytes, status: int, code: str) -> None:
    with Wire(server, raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n") as wire:
        answer = wire.answer()
        assert answer.is_problem(status, code)
        assert answer.headers["Connection"] == "close", "the server cannot know whether the body follows"
        assert wire.rest() == b""


def test_a_body_that_is_needed_is_requested(server: Server) -> None:
    head, _, body = request("/api/auth/login", LOGIN, **EXPECT).partition(b"\r\n\r\n")
    with Wire(server, head + b"\r\n\r\n") as wire:
        assert wire.answer().status == 100
        wire.send(body)
        assert wire.answer().is_problem(401, "invalid_credentials")
        wire.send(request("/api/health", method="GET", **EXPECT))
        assert wire.answer().status == 200, "there is no body to request"
        wire.send(request("/api/health", method="GET"))
        assert wire.answer().status == 200, "the connection stays open"


def test_refusals_before_the_body_is_read(server: Server) -> None:
    small, large = request("/api/chat/send", b"x" * 1500), request("/api/chat/send", b"x" * 4_000_000)
    with Wire(server, small) as wire:
        assert wire.answer().is_problem(401, "unauthorized")
        wire.send(large)
        answer = wire.answer()
        assert answer.is_problem(413, "payload_too_large")
        assert answer.headers["Connection"] == "close"
        assert wire.rest() == b""


def send(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"POST /api/auth/login HTTP/1.1", *lines, b"", b""]) + body


H, J, L4 = b"Host: a", b"Content-Type: application/json", b"Content-Length: 4"
TE = b"Transfer-Encoding: chunked"
AMBIGUOUS = {
    "CL.TE": send(H, J, L4, TE, body=b"0\r\n\r\n"),
    "TE.CL": send(H, J, TE, L4, body=b"0\r\n\r\n"),
    "CL.CL differing": send(H, J, L4, b"Content-Length: 5", body=b"abcde"),
    "CL.CL the same": send(H, J, L4, L4, body=b"abcd"),
    "CL list": send(H, J, b"Content-Length: 4, 4", body=b"abcd"),
    "CL plus": send(H, J, b"Content-Length: +4", body=b"abcd"),
    "CL minus": send(H, J, b"Content-Length: -4", body=b"abcd"),
    "CL hexadecimal": send(H, J, b"Content-Length: 0x4", body=b"abcd"),
    "CL fraction": send(H, J, b"Content-Length: 4.0", body=b"abcd"),
    "CL underscore": send(H, J, b"Content-Length: 1_0", body=b"abcdefghij"),
    "CL superscript": send(H, J, b"Content-Length: \xb2", body=b"ab"),
    "CL of 5,000 digits": send(H, J, b"Content-Length: " + b"9" * 5000, body=b"abcd"),
    "CL empty": send(H, J, b"Content-Length:", body=b"abcd"),
    "CL space before the colon": send(H, J, b"Content-Length : 4", body=b"abcd"),
    "TE space before the colon": send(H, J, b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "TE tab before the colon": send(H, J, b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"),
    "TE twice": send(H, J, TE, TE, body=b"0\r\n\r\n"),
    "TE chunked, chunked": send(H, J, b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "TE chunked, identity": send(H, J, b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "TE identity": send(H, J, b"Transfer-Encoding: identity", L4, body=b"abcd"),
    "TE gzip": send(H, J, b"Transfer-Encoding: gzip", body=b"abcd"),
    "TE vertical tab": send(H, J, b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "TE NUL": send(H, J, b"Transfer-Encoding: chunked\0", body=b"0\r\n\r\n"),
    "TE folded": send(H, J, b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n"),
    "TE in HTTP/1.0": send(H, J, TE, body=b"0\r\n\r\n").replace(b"/1.1", b"/1.0"),
    "a folded header": send(H, J, b"X: a", b" b", L4, body=b"abcd"),
    "a first header that begins with a space": send(b" X: a", H, J, L4, body=b"abcd"),
    "bare LF between headers": send(H, J, b"X: a\nContent-Length: 4", body=b"abcd"),
    "bare LF after the request line": send(H, J).replace(b"/1.1\r\n", b"/1.1\n"),
    "bare LF alone": send(H, J).replace(b"\r\n", b"\n"),
    "bare CR in a value": send(H, J, b"X: a\rContent-Length: 4", body=b"abcd"),
    "NUL in a name": send(H, J, b"X\0: a"),
    "no name": send(H, J, b": a"),
    "no colon": send(H, J, b"Content-Length 4"),
    "a space in a name": send(H, J, b"Content Length: 4"),
    "two spaces in the request line": send(H, J).replace(b" HTTP", b"  HTTP"),
    "a request line of two words": send(H, J).replace(b" HTTP/1.1", b""),
    "HTTP/2.0": send(H, J).replace(b"/1.1", b"/2.0"),
    "HTTP/1.10": send(H, J).replace(b"/1.1", b"/1.10"),
    "a method in small letters": send(H, J).replace(b"POST", b"post"),
    "a fragment and a space": send(H, J).replace(b"login", b"login #"),
}  # fmt: skip


@pytest.mark.parametrize("raw", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_ambiguous_request_is_refused_and_its_connection_closed(server: Server, raw: bytes) -> None:
    with Wire(server, raw + SMUGGLED) as wire:
        answer = wire.answer()
        assert answer.is_problem(answer.status, answer.json["code"])
        assert answer.status in (400, 501)
        assert answer.headers["Connection"] == "close"
        assert wire.rest() == b""


@pytest.mark.parametrize("name", ["Content_Length", "Transfer_Encoding", "X-Content-Length", "Content-Length-"])
def test_a_header_that_resembles_content_length_is_ignored(server: Server, name: str) -> None:
    raw = f"POST /api/nothing HTTP/1.1\r\nHost: a\r\n{name}: 44\r\n\r\n".encode()
    with Wire(server, raw + request("/api/health", method="GET")) as wire:
        assert wire.answer().status == 404
        assert wire.answer().status == 200


def test_chunks_are_read_to_their_end(server: Server) -> None:
    body = b"5;a=b\r\n" + LOGIN[:5] + b"\r\n%x\r\n" % len(LOGIN[5:]) + LOGIN[5:] + b"\r\n0\r\nX-Trailer: a\r\n\r\n"
    with Wire(server, CHUNKED + body + request("/api/health", method="GET")) as wire:
        assert wire.answer().is_problem(401, "invalid_credentials")
        assert wire.answer().status == 200


@pytest.fixture(scope="module")
def reactor(server: Server) -> Callable[[str, str], Answer]:
    """A function that sends a method and the last segment of a path, as they are, to the reactions of a message."""
    account = json.dumps({"email": "ann@b.example", "password": "password123"}).encode()
    token = f"Bearer {ask(server, request('/api/auth/register', account)).json['access_token']}"
    sent = ask(server, request("/api/chat/send", b'{"content": "hello"}', Authorization=token))
    path = f"/api/chat/messages/{sent.json['id']}/reactions/"
    return lambda method, segment: ask(server, request(path + segment, method=method, Authorization=token))


@pytest.mark.parametrize(
    ("segment", "emoji"),
    [
        ("%23%EF%B8%8F%E2%83%A3", "#️⃣"),
        ("%23%ef%b8%8f%e2%83%a3", "#️⃣"),
        ("%23%eF%B8%8f%E2%83%a3", "#️⃣"),
        ("1%EF%B8%8F%E2%83%A3", "1️⃣"),
        ("%31%ef%b8%8f%e2%83%a3", "1️⃣"),
        ("*%EF%B8%8F%E2%83%A3", "*️⃣"),
        ("%F0%9F%91%8D", "👍"),
        ("%f0%9f%91%8d%f0%9f%8f%bd", "👍🏽"),
        ("%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7", "👨‍👩‍👧"),
    ],
)
def test_a_percent_encoded_emoji(reactor: Callable[[str, str], Answer], segment: str, emoji: str) -> None:
    added, removed = reactor("PUT", segment), reactor("DELETE", segment)
    assert (added.status, removed.status) == (200, 200)
    assert [each["emoji"] for each in added.json["reactions"]] == [emoji]
    assert removed.json["reactions"] == []


@pytest.mark.parametrize(
    ("segment", "status", "code"),
    [
        ("#%EF%B8%8F%E2%83%A3", 404, "not_found"),  # the path ends before a fragment
        ("%2523%25EF%25B8%258F%25E2%2583%25A3", 422, "validation_failed"),  # encoded twice
        ("%23", 422, "validation_failed"),
        ("%EF%B8%8F%E2%83%A3", 422, "validation_failed"),
        ("%F0%9F%91", 422, "validation_failed"),
        ("%GG", 422, "validation_failed"),
        ("%", 422, "validation_failed"),
        ("%F0%9F%91%8D%00", 404, "not_found"),  # no path may have a NUL
    ],
)
def test_a_path_without_an_emoji(reactor: Callable[[str, str], Answer], segment: str, status: int, code: str) -> None:
    assert reactor("PUT", segment).is_problem(status, code)
    assert reactor("DELETE", segment).is_problem(status, code)
