"""The way in, and bad frames: what is refused, how, and what is not."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backend.identity.access_tokens import issue_access_token
from backend.models import ApiToken
from backend.models.base import db
from backend.security.hashing import hash_secret, new_secret
from tests.realtime.client import Api, LiveClient
from tests.realtime.conftest import Deployment, Deployments
from tests.realtime.raw import BINARY, CONT, PING, PONG, RawSocket

FRIEND = "https://chat.example"


def refusal(deployment: Deployment, path: str, **headers: str | None) -> tuple[int, str]:
    """Status and code of a handshake that fails."""
    with RawSocket(deployment.url, path, **headers) as raw:
        assert "application/problem+json" in raw.head
        size = int(raw.head.lower().partition("content-length:")[2].split()[0])
        while len(raw.buffer) < size:
            raw._more()
        return raw.status, json.loads(raw.buffer)["code"]


def test_a_bad_token_is_accepted_and_closed(deployment: Deployment) -> None:
    for token in ("", "x", "ticket_x", "confab_x", "a.b.c"):
        with LiveClient(deployment.url, token, ready=False) as client:
            assert client.closed() == 4401


def test_an_expired_token(deployment: Deployment) -> None:
    user = deployment.user()
    with deployment.app.app_context():
        old = issue_access_token(user.id, 1, timedelta(seconds=-1))
    with LiveClient(deployment.url, old, ready=False) as client:
        assert client.closed() == 4401


def test_a_token_ends_its_socket_when_it_expires_unless_it_is_renewed(deployment: Deployment) -> None:
    user = deployment.user()
    claims = __import__("jwt").decode(user.token, options={"verify_signature": False})
    with deployment.app.app_context():
        short = issue_access_token(user.id, claims["sid"], timedelta(seconds=2))
    ticket = user("POST", "/api/auth/ws-ticket")["ticket"]
    brief, *renewed = (LiveClient(deployment.url, short) for _ in range(3))
    for client, token in zip(renewed, (user.token, ticket), strict=True):
        assert client.call("auth", token=token)["type"] == "ok"
    assert brief.closed() == 4401
    for client in renewed:
        assert client.call("ping")["type"] == "pong"
        client.close()


def test_auth_with_a_bad_token_or_anothers_ends_the_socket(deployment: Deployment) -> None:
    user, other = deployment.user(), deployment.user()
    for token in ("nonsense", other.token):
        with user.live() as client:
            assert client.call("auth", token=token)["code"] == "unauthorized"
            assert client.closed() == 4401


def test_a_ticket_serves_once(deployment: Deployment) -> None:
    user = deployment.user()
    answer = user("POST", "/api/auth/ws-ticket", status=201)
    assert answer["expires_in"] == 30
    with LiveClient(deployment.url, answer["ticket"]) as client:
        assert client.ready["user"]["id"] == user.id
    with LiveClient(deployment.url, answer["ticket"], ready=False) as again:
        assert again.closed() == 4401


def test_an_authorization_header_serves(deployment: Deployment) -> None:
    user = deployment.user()
    headers = {"Authorization": f"Bearer {user.token}"}
    with LiveClient(deployment.url, "", additional_headers=headers) as client:
        assert client.ready["user"]["id"] == user.id


def _api_token(deployment: Deployment, user: Api, *scopes: str) -> str:
    secret = f"confab_{new_secret()}"
    with deployment.app.app_context():
        db.session.add(ApiToken(user_id=user.id, name="t", token=hash_secret(secret), scopes=list(scopes)))
        db.session.commit()
    return secret


def test_an_api_token_is_held_to_its_scopes(deployment: Deployment) -> None:
    user, other = deployment.user(), deployment.user()
    room = other.room(user)
    tokens = [_api_token(deployment, user, scope) for scope in ("read", "write")]
    with LiveClient(deployment.url, tokens[0]) as reader, LiveClient(deployment.url, tokens[1]) as writer, other.live():
        assert reader.ready["session_id"] is None
        for fields in ({"type_": "send", "content": "x"}, {"type_": "typing", "conversation_id": "lobby"}):
            assert reader.call(**fields)["code"] == "insufficient_scope"
        assert writer.call("resume")["code"] == "insufficient_scope"
        writer.send("from a writer", room_id=room["id"])
        reader.message("from a writer")
        reader.expect("presence", user_id=other.id)
        assert writer.ready["online"] == []
        assert {frame["type"] for frame in writer.sync()} <= {"pong"}


def test_a_token_that_neither_reads_nor_writes_opens_no_socket(deployment: Deployment) -> None:
    root = deployment.user(is_superuser=True)
    with root.live() as client:
        for scopes in (["health"], ["admin"], ["admin", "health"]):
            with LiveClient(
                deployment.url, _api_token(deployment, root, *scopes), client.client_id, ready=False
            ) as poor:
                assert poor.closed() == 4401
                assert poor.unread == []
        assert client.call("ping")["type"] == "pong"
        assert client.call("auth", token=_api_token(deployment, root, "health"))["code"] == "unauthorized"
        assert client.closed() == 4401


def test_a_socket_that_may_not_read_tells_nothing_private(deployment: Deployment) -> None:
    user = deployment.user()
    private = {"email", "mobile", "is_superuser", "email_verified", "mobile_verified"}
    with LiveClient(deployment.url, _api_token(deployment, user, "write")) as writer:
        assert writer.ready["user"]["id"] == user.id
        assert private.isdisjoint(writer.ready["user"])
        assert writer.ready["online"] == []
    ticket = Api(deployment.url, _api_token(deployment, user, "write"), user.id)("POST", "/api/auth/ws-ticket")[
        "ticket"
    ]
    with LiveClient(deployment.url, ticket) as writer:
        assert private.isdisjoint(writer.ready["user"])
        assert writer.call("resume")["code"] == "insufficient_scope"
    with LiveClient(deployment.url, _api_token(deployment, user, "read")) as reader:
        assert reader.ready["user"].keys() >= private


def test_the_power_of_a_superusers_socket_needs_the_scope(deployment: Deployment) -> None:
    root, other = deployment.user(is_superuser=True), deployment.user()
    room = other.room(root)
    for scopes, sees in ((["read", "write"], False), (["read", "admin"], True)):
        with LiveClient(deployment.url, _api_token(deployment, root, *scopes)) as client:
            rows = [row for page in client.resume() for row in page["conversations"]]
            (row,) = [row for row in rows if row["id"] == f"room:{room['id']}"]
            (face,) = [member["user"] for member in row["members"] if member["user_id"] == other.id]
            assert ("email" in face) is sees


def test_a_deleted_api_token_ends_its_sockets(deployment: Deployment) -> None:
    user = deployment.user()
    with LiveClient(deployment.url, _api_token(deployment, user, "read")) as client, user.live() as other:
        with deployment.app.app_context():
            db.session.query(ApiToken).filter_by(user_id=user.id).delete()
            db.session.commit()
        assert client.closed(3) == 4401
        assert other.call("ping")["type"] == "pong"


def test_foreign_origins_are_refused_before_the_upgrade(deployment: Deployment) -> None:
    path = f"/ws/x?token={deployment.user().token}"
    for origin in (
        "http://evil.example",
        "null",
        "http://[",
        f"http://evil.example/{deployment.url}",
        deployment.url + ".evil",
    ):
        assert refusal(deployment, path, Origin=origin) == (403, "forbidden")
    for origin in (deployment.url, None):
        with RawSocket(deployment.url, path, Origin=origin) as raw:
            assert raw.status == 101


@pytest.mark.parametrize("client_id", ["x" * 65, "a.b", "a%20b", "%C3%A9"])
def test_bad_client_ids(deployment: Deployment, client_id: str) -> None:
    assert refusal(deployment, f"/ws/{client_id}?token={deployment.user().token}") == (422, "validation_failed")


@pytest.mark.parametrize("client_id", ["x", "x" * 64, "A-z_0", "slash/"])
def test_good_client_ids(deployment: Deployment, client_id: str) -> None:
    with RawSocket(deployment.url, f"/ws/{client_id}?token={deployment.user().token}", X_Request_ID="mine") as raw:
        assert raw.status == 101
        assert "X-Request-ID: mine" in raw.head.split("\r\n")


def test_bad_handshakes(deployment: Deployment) -> None:
    path = f"/ws/x?token={deployment.user().token}"
    for headers in ({"Sec_WebSocket_Key": None}, {"Sec_WebSocket_Key": "short"}, {"Sec_WebSocket_Version": None}):
        assert refusal(deployment, path, **headers) == (400, "bad_handshake")
    assert refusal(deployment, path, Sec_WebSocket_Version="8") == (426, "upgrade_required")
    other_version = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8"}
    answer = requests.get(deployment.url + path, headers=other_version, timeout=5)
    assert (answer.status_code, answer.headers["Sec-WebSocket-Version"]) == (426, "13")
    plain = requests.get(f"{deployment.url}/ws/x", timeout=5)
    assert (plain.status_code, plain.json()["code"]) == (426, "upgrade_required")
    assert plain.headers["Upgrade"] == "websocket"
    assert requests.post(f"{deployment.url}/ws/x", timeout=5).status_code == 405
    assert requests.get(f"{deployment.url}/ws", timeout=5).status_code == 404


def opened(deployment: Deployment) -> RawSocket:
    raw = RawSocket(deployment.url, f"/ws/x?token={deployment.user().token}")
    assert raw.status == 101
    assert json.loads(raw.receive()[1])["type"] == "ready"
    return raw


REFUSED = [
    (b"not json", "malformed_json"), (b"", "malformed_json"), (b'{"type": "ping"', "malformed_json"),
    (b'{"type": "send", "content": NaN}', "malformed_json"), (b"[" * 30_000, "malformed_json"),
    (b"[]", "validation_failed"), (b'"ping"', "validation_failed"), (b"7", "validation_failed"), (b"null", "validation_failed"),
    (b"{}", "validation_failed"), (b'{"type": 1}', "validation_failed"), (b'{"type": "jump"}', "validation_failed"),
    (b'{"type": ["ping"]}', "validation_failed"), (b'{"type": {"a": 1}}', "validation_failed"),
    (b'{"type": "ping", "extra": 1}', "validation_failed"), (b'{"type": "ping", "id": 7}', "validation_failed"),
    (b'{"type": "ping", "id": ["x"]}', "validation_failed"), (b'{"type": "ping", "id": "\\ud800"}', "validation_failed"),
    (b'{"type": "send"}', "validation_failed"), (b'{"type": "send", "content": 7}', "validation_failed"),
    (b'{"type": "send", "content": " "}', "validation_failed"),
    (b'{"type": "send", "content": "a\\u0000b"}', "validation_failed"),
    (b'{"type": "send", "content": "\\ud800"}', "validation_failed"),
    (b'{"type": "send", "content": "x", "room_id": 1, "recipient_id": 2}', "validation_failed"),
    (b'{"type": "send", "content": "x", "room_id": 9223372036854775808}', "validation_failed"),
    (b'{"type": "send", "content": "x", "room_id": 9223372036854775807}', "not_found"),
    (b'{"type": "send", "content": "x", "conversation_id": "room:01"}', "not_found"),
    (b'{"type": "read", "conversation_id": "lobby"}', "validation_failed"),
    (b'{"type": "read", "conversation_id": "lobby", "seq": -1}', "validation_failed"),
    (b'{"type": "read", "conversation_id": "lobby", "seq": 9223372036854775807}', "validation_failed"),
    (b'{"type": "typing", "conversation_id": 5}', "validation_failed"),
    (b'{"type": "typing", "conversation_id": "lobby", "is_typing": "yes"}', "validation_failed"),
    (b'{"type": "resume", "conversations": []}', "validation_failed"),
    (b'{"type": "resume", "conversations": {"lobby": -1}}', "validation_failed"),
    (b'{"type": "auth"}', "validation_failed"),
]  # fmt: skip


def test_bad_frames_are_answered_and_the_socket_lives(deployment: Deployment) -> None:
    with opened(deployment) as raw:
        for payload, code in REFUSED:
            raw.send(payload)
            answer = json.loads(raw.receive()[1])
            assert (answer["type"], answer["code"]) == ("error", code), payload
        raw.send(b'{"type": "ping", "id": "' + b"x" * 5_000 + b'"}')
        assert json.loads(raw.receive()[1]) == {"type": "pong", "id": "x" * 5_000}
        raw.send(b'{"type": "ping", "id": null}')
        assert json.loads(raw.receive()[1]) == {"type": "pong"}


def test_fragments_and_control_frames_between_them(deployment: Deployment) -> None:
    with opened(deployment) as raw:
        raw.send(b'{"type": "ping", "id": "', fin=False)
        raw.send(b"are you there", PING)
        raw.send(b"", PONG)
        raw.send("\N{GRINNING FACE}".encode()[:2], CONT, fin=False)
        raw.send("\N{GRINNING FACE}".encode()[2:], CONT, fin=False)
        raw.send(b'"}', CONT)
        assert raw.receive() == (PONG, b"are you there")
        assert json.loads(raw.receive()[1]) == {"type": "pong", "id": "\N{GRINNING FACE}"}


def test_a_frame_in_single_bytes(deployment: Deployment) -> None:
    from tests.realtime.raw import frame

    with opened(deployment) as raw:
        for byte in frame(b'{"type": "ping"}'):
            raw.socket.sendall(bytes([byte]))
        assert json.loads(raw.receive()[1]) == {"type": "pong"}


@pytest.mark.parametrize(
    ("payload", "options", "code"),
    [
        (b"\xff\xfe", {}, 1007),
        (b"{}", {"opcode": BINARY}, 1003),
        (b"{}", {"masked": False}, 1002),
        (b"{}", {"opcode": 3}, 1002),
        (b"{}", {"opcode": CONT}, 1002),
        (b"{}", {"flags": 0x40}, 1002),
        (b"x" * 200, {"opcode": PING}, 1002),
        (b" " * 65_537, {}, 4413),
        (b"x" * 1_000_000, {}, 4413),
    ],
)
def test_what_ends_a_socket(deployment: Deployment, payload: bytes, options: dict[str, int], code: int) -> None:
    with opened(deployment) as raw:
        raw.send(payload, **options)
        assert raw.closed() == code
        assert raw.ends()


def test_fragments_that_are_too_large_together(deployment: Deployment) -> None:
    with opened(deployment) as raw:
        raw.send(b"x" * 40_000, fin=False)
        raw.send(b"x" * 40_000, CONT)
        assert raw.closed() == 4413


def test_the_largest_frame(deployment: Deployment) -> None:
    with opened(deployment) as raw:
        raw.send(b'{"type": "ping"}' + b" " * (65_536 - 16))
        assert json.loads(raw.receive()[1]) == {"type": "pong"}


def test_a_goodbye_is_answered_in_kind(deployment: Deployment) -> None:
    with opened(deployment) as raw:
        raw.send(struct.pack("!H", 1000) + b"bye", 8)
        assert raw.closed() == 1000
        assert raw.ends()


@pytest.fixture(scope="module")
def guarded(deployments: Deployments) -> Iterator[Deployment]:
    """A server with its limits on, and with a foreign site that may open sockets."""
    with deployments() as open_deployment:
        yield open_deployment("sqlite", measured=True, RATE_LIMITS="on", CORS_ORIGINS=FRIEND)


def test_a_foreign_site_that_is_named_may_open_sockets(guarded: Deployment) -> None:
    path = f"/ws/x?token={guarded.user().token}"
    with RawSocket(guarded.url, path, Origin=FRIEND) as raw:
        assert raw.status == 101
    assert refusal(guarded, path, Origin=FRIEND + ".evil.example") == (403, "forbidden")


def test_too_many_frames(guarded: Deployment) -> None:
    user = guarded.user()
    with user.live() as calm, user.live() as client:
        for _ in range(199):
            client.say("ping")
        client.call("ping")
        for _ in range(300):
            try:
                client.say("ping")
            except ConnectionClosed:
                break
        assert client.closed() == 4429
        assert calm.call("ping")["type"] == "pong"
    sockets = [user.live() for _ in range(20)]
    with pytest.raises(InvalidStatus) as refused:
        user.live()
    assert refused.value.response.status_code == 429
    with user.live(sockets[0].client_id):  # in the place of an old one there is room
        assert sockets[0].closed() == 4409
    for socket in sockets:
        socket.close()


def test_no_token_is_in_a_log(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live(), LiveClient(deployment.url, "a-bad-secret-token", ready=False):
        requests.get(f"{deployment.url}/ws/x?token={user.token}", timeout=5)
        RawSocket(deployment.url, f"/ws/x?token={user.token}", Sec_WebSocket_Key=None).socket.close()
    log = deployment.server.output()
    assert '"path":"/ws/' in log
    assert user.token not in log
    assert "a-bad-secret-token" not in log
