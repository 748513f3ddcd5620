"""The authentication of sockets: access tokens, API tokens and tickets, and what each may do."""

from __future__ import annotations

from datetime import timedelta

import requests

from backend.identity.access_tokens import issue_access_token
from backend.models import ApiToken
from backend.models.base import db
from backend.security.hashing import hash_secret, new_secret
from tests.realtime.client import Api, LiveClient
from tests.realtime.conftest import Deployment
from tests.realtime.raw import RawSocket


def test_a_socket_with_a_bad_token_is_opened_and_closed(deployment: Deployment) -> None:
    for token in ("", "x", "ticket_x", "confab_x", "a.b.c"):
        with LiveClient(deployment.url, token, ready=False) as client:
            assert client.close_code() == 4401


def test_a_socket_with_an_expired_token_is_closed(deployment: Deployment) -> None:
    user = deployment.user()
    with deployment.app.app_context():
        old = issue_access_token(user.id, 1, timedelta(seconds=-1))
    with LiveClient(deployment.url, old, ready=False) as client:
        assert client.close_code() == 4401


def test_a_socket_is_closed_when_its_token_expires_unless_auth_renews_it(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live() as client:
        session_id = client.ready["session_id"]
    with deployment.app.app_context():
        short = issue_access_token(user.id, session_id, timedelta(seconds=4))
    ticket = user("POST", "/api/auth/ws-ticket")["ticket"]
    brief, *renewed = (LiveClient(deployment.url, short) for _ in range(3))
    for client, token in zip(renewed, (user.token, ticket), strict=True):
        assert client.call("auth", token=token)["type"] == "ok"
    assert brief.close_code(15) == 4401
    for client in renewed:
        assert client.call("ping")["type"] == "pong"
        client.close()


def test_auth_with_a_bad_token_or_that_of_another_user_closes_the_socket(deployment: Deployment) -> None:
    user, other = deployment.user(), deployment.user()
    for token in ("nonsense", other.token):
        with user.live() as client:
            assert client.call("auth", token=token)["code"] == "unauthorized"
            assert client.close_code() == 4401


def test_a_ticket_opens_one_socket(deployment: Deployment) -> None:
    user = deployment.user()
    answer = user("POST", "/api/auth/ws-ticket", status=201)
    assert answer["expires_in"] == 30
    with LiveClient(deployment.url, answer["ticket"]) as client:
        assert client.ready["user"]["id"] == user.id
    with LiveClient(deployment.url, answer["ticket"], ready=False) as again:
        assert again.close_code() == 4401


def test_an_authorization_header_opens_a_socket(deployment: Deployment) -> None:
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


def test_a_socket_of_an_api_token_is_limited_to_the_scopes(deployment: Deployment) -> None:
    user, other = deployment.user(), deployment.user()
    room = other.room(user)
    tokens = [_api_token(deployment, user, scope) for scope in ("read", "write")]
    readers, writers = (deployment.on_each_worker(Api(deployment.url, token, user.id)) for token in tokens)
    reader, writer = readers[0], writers[0]
    assert reader.ready["session_id"] is None
    with other.live():
        for fields in ({"type_": "send", "content": "x"}, {"type_": "typing", "conversation_id": "lobby"}):
            assert reader.call(**fields)["code"] == "insufficient_scope"
        assert writer.call("resume")["code"] == "insufficient_scope"
        writer.send("from a writer", room_id=room["id"])
        for client in readers:  # the workers have sent both
            client.expect_message("from a writer")
            client.expect("presence", user_id=other.id)
    for client in writers:
        assert client.ready["online"] == []
        client.sync()
        assert {frame["type"] for frame in client.events} <= {"ready", "error", "ack", "pong"}


def test_a_token_that_neither_reads_nor_writes_opens_no_socket(deployment: Deployment) -> None:
    root = deployment.user(is_superuser=True)
    with root.live() as client:
        for scopes in (["health"], ["admin"], ["admin", "health"]):
            with LiveClient(
                deployment.url, _api_token(deployment, root, *scopes), client.client_id, ready=False
            ) as refused:
                assert refused.close_code() == 4401
                assert refused.unread == []
        assert client.call("ping")["type"] == "pong"
        assert client.call("auth", token=_api_token(deployment, root, "health"))["code"] == "unauthorized"
        assert client.close_code() == 4401


def test_a_socket_without_the_scope_read_receives_nothing_private(deployment: Deployment) -> None:
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


def test_a_superusers_socket_needs_the_scope_admin_for_private_fields(deployment: Deployment) -> None:
    root, other = deployment.user(is_superuser=True), deployment.user()
    room = other.room(root)
    for scopes, sees_email in ((["read", "write"], False), (["read", "admin"], True)):
        with LiveClient(deployment.url, _api_token(deployment, root, *scopes)) as client:
            rows = [row for page in client.resume() for row in page["conversations"]]
            (row,) = [row for row in rows if row["id"] == f"room:{room['id']}"]
            (other_user,) = [member["user"] for member in row["members"] if member["user_id"] == other.id]
            assert ("email" in other_user) is sees_email


def test_a_deleted_api_token_closes_its_sockets(deployment: Deployment) -> None:
    user = deployment.user()
    with LiveClient(deployment.url, _api_token(deployment, user, "read")) as client, user.live() as other:
        with deployment.app.app_context():
            db.session.query(ApiToken).filter_by(user_id=user.id).delete()
            db.session.commit()
        deployment.assert_ended([client])
        assert other.call("ping")["type"] == "pong"


def test_no_token_is_in_a_log(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live(), LiveClient(deployment.url, "a-bad-secret-token", ready=False):
        requests.get(f"{deployment.url}/ws/x?token={user.token}", timeout=5)
        RawSocket(deployment.url, f"/ws/x?token={user.token}", Sec_WebSocket_Key=None).socket.close()
    log = deployment.server.output()
    assert '"path":"/ws/' in log
    assert user.token not in log
    assert "a-bad-secret-token" not in log
