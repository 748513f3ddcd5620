"""The answers of the API have the fields that the OpenAPI document promises, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import jsonschema_rs
import pyotp
import pytest
from flask import Flask
from PIL import Image

from backend.accounts.erasure import erase_user
from tests.conftest import PASSWORD
from tests.factories import Factory
from tests.openapi.documented import DocumentedClient
from tests.outgoing import Outgoing

MOBILE = "+46701740605"
PRIVATE = {"email", "mobile", "is_superuser", "email_verified", "mobile_verified"}


@pytest.fixture
def anyone(app: Flask) -> DocumentedClient:
    return DocumentedClient(app)


def superuser(anyone: DocumentedClient, make: Factory) -> DocumentedClient:
    return anyone.signed_in(make.token(make.user("root", email="root@example.com", is_superuser=True)))


def picture() -> BytesIO:
    data = BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG")
    data.seek(0)
    return data


def multipart(name: str, data: BytesIO) -> dict[str, Any]:
    return {"data": {"file": (data, name)}, "content_type": "multipart/form-data"}


def json_operations(document: dict[str, Any]) -> Iterator[str]:
    """The operations that may answer with JSON and success."""
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
                if any("application/json" in answer.get("content", {}) for answer in answers):
                    yield operation["operationId"]


def test_every_answer_is_as_documented(anyone: DocumentedClient, make: Factory, outgoing: Outgoing) -> None:
    root = superuser(anyone, make)
    sign_in(anyone, outgoing)
    use_accounts(root, make)
    use_second_factor(root, anyone)
    room = use_rooms(root, make)
    use_messages(root, room)
    for address in ("/api/health", "/api/health/ready"):
        assert anyone.get(address).status_code == 200
    assert root.get("/api/health/detailed").status_code == 200
    assert root.get("/api/audit").json
    assert set(json_operations(anyone.document.content)) - anyone.seen == set()


def sign_in(anyone: DocumentedClient, outgoing: Outgoing) -> None:
    new = {"email": "ada@example.com", "password": PASSWORD, "first_name": "Ada"}
    assert anyone.post("/api/auth/register", new).status_code == 201
    anyone.post("/api/auth/login", {"email": "ada@example.com", "password": "wrong"})
    tokens = anyone.post("/api/auth/login", {"email": "ada@example.com", "password": PASSWORD}).json
    assert anyone.post("/token", data={"username": "ada@example.com", "password": PASSWORD}).status_code == 200
    assert anyone.post("/token", data={"username": "ada@example.com", "password": "wrong"}).status_code == 400
    ada = anyone.signed_in(tokens["access_token"])
    assert anyone.post("/api/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 200
    anyone.post("/api/auth/forgot-password", {"email": "ada@example.com"})
    assert ada.post("/api/auth/resend-verification").status_code == 202
    assert ada.get("/api/auth/sessions").json
    assert ada.post("/api/auth/ws-ticket").status_code == 201
    anyone.post("/api/auth/send-otp", {"mobile": MOBILE})
    body = {"mobile": MOBILE, "code": outgoing.code(MOBILE)}
    assert ada.post("/api/auth/verify-otp", body).json.keys() == {"user"}
    anyone.post("/api/auth/send-otp", {"mobile": MOBILE})
    assert "access_token" in anyone.post("/api/auth/verify-otp", body | {"code": outgoing.code(MOBILE)}).json


def use_accounts(root: DocumentedClient, make: Factory) -> None:
    user = make.user(full_name="Grace")
    assert root.post("/api/auth/tokens", {"name": "bot"}).status_code == 201
    assert root.get("/api/auth/tokens").json
    assert root.get("/api/users/me").json.keys() >= PRIVATE
    assert root.patch("/api/users/me", {"bio": "hello"}).status_code == 200
    assert root.put("/api/users/me/avatar", **multipart("me.png", picture())).status_code == 200
    assert root.put(f"/api/users/me/blocks/{user.id}").status_code == 204
    assert root.get("/api/users/me/blocks").json
    role = root.post("/api/roles", {"name": "staff"}).json
    root.patch(f"/api/roles/{role['id']}", {"description": "all"})
    assert root.get("/api/roles").json
    root.put(f"/api/users/{user.id}/roles/{role['id']}")
    assert root.patch(f"/api/users/{user.id}", {"full_name": "Grace H"}).json["roles"] == ["staff"]
    assert root.get(f"/api/users/{user.id}").json.keys() >= PRIVATE
    other = root.signed_in(make.token(user))
    assert PRIVATE.isdisjoint(other.get(f"/api/users/{root.get('/api/users/me').json['id']}").json)
    assert len(other.get("/api/users").json) > 1


def use_second_factor(root: DocumentedClient, anyone: DocumentedClient) -> None:
    assert root.get("/api/auth/totp").json["is_enabled"] is False
    totp = pyotp.TOTP(root.post("/api/auth/totp", {}).json["secret"])
    codes = root.post("/api/auth/totp/confirm", {"totp_code": totp.now()}).json["recovery_codes"]
    assert root.get("/api/auth/totp").json["confirmed_at"]
    body = {"totp_code": codes[0]}
    assert root.post("/api/auth/totp/recovery-codes", body).status_code == 200


def use_rooms(root: DocumentedClient, make: Factory) -> dict[str, Any]:
    member, guest = make.user(), make.user()
    room: dict[str, Any] = root.post("/api/rooms", {"name": "room", "is_public": False}).json
    address = f"/api/rooms/{room['id']}"
    assert room.keys() >= {"is_admin", "joined_at"}
    assert root.patch(address, {"description": "about"}).status_code == 200
    assert root.get(address).status_code == 200
    assert root.put(f"{address}/members/{member.id}").status_code == 200
    assert root.patch(f"{address}/members/{member.id}", {"is_admin": True}).json["is_banned"] is False
    assert len(root.get(f"{address}/members").json) == 2
    code = root.post(f"{address}/invites", {}).json["code"]
    assert root.get(f"{address}/invites").json
    visitor = root.signed_in(make.token(guest))
    assert visitor.post("/api/rooms/join", {"code": code}).status_code == 200
    public = root.post("/api/rooms", {"name": "public", "is_public": True}).json
    assert {"is_admin", "joined_at"}.isdisjoint(visitor.get(f"/api/rooms/{public['id']}").json)
    assert visitor.post(f"/api/rooms/{public['id']}/join").status_code == 200
    assert root.post(f"/api/rooms/{public['id']}/transfer", {"user_id": guest.id}).status_code == 200
    visitor.post(f"{address}/leave")
    assert root.get("/api/rooms").json
    return room


def use_messages(root: DocumentedClient, room: dict[str, Any]) -> None:
    me = root.get("/api/users/me").json["id"]
    file = root.post("/api/chat/attachments", **multipart("red.png", picture())).json
    assert root.get(f"/api/chat/attachments/{file['id']}/link").status_code == 200
    body = {"content": "hello @root", "room_id": room["id"], "attachment_ids": [file["id"]], "client_message_id": "1"}
    message = root.post("/api/chat/send", body).json
    assert root.post("/api/chat/send", body).status_code == 200
    for other in ({}, {"recipient_id": me}):
        assert root.post("/api/chat/send", {"content": "hello"} | other).status_code == 201
    reply = {"content": "reply", "parent_id": message["id"]}
    assert root.post(f"/api/rooms/{room['id']}/messages", reply).status_code == 201
    address, conversation = f"/api/chat/messages/{message['id']}", f"/api/chat/conversations/{room['conversation_id']}"
    for change in (f"{address}/reactions/👍", f"{address}/pin"):
        assert root.put(change).status_code == 200
    for read in ("/api/chat/messages", address, f"{address}/replies", f"/api/rooms/{room['id']}/messages"):
        assert root.get(read).json
    assert root.get("/api/chat/search?q=hello").json[0]["highlights"]
    assert root.patch(address, {"content": "changed"}).status_code == 200
    assert root.get(f"{address}/history").json
    for change in (f"{address}/reactions/👍", f"{address}/pin"):
        assert root.delete(change).status_code == 200
    inbox = {row["id"]: row for row in root.get("/api/chat/conversations").json}
    assert inbox[f"dm:{me}:{me}"]["user"]["id"] == me
    assert inbox[room["conversation_id"]]["room"]["id"] == room["id"]
    assert root.get(conversation).json == inbox[room["conversation_id"]]
    assert root.patch(conversation, {"is_muted": True}).status_code == 200
    assert root.post(f"{conversation}/read", {"seq": 1}).status_code == 200
    assert root.post(f"{conversation}/unread", {"seq": 1}).status_code == 200
    rows = {row["id"]: row for row in root.post("/api/chat/sync", {}).json["conversations"]}
    members = rows[room["conversation_id"]]["members"]
    assert {bool(member["left_at"]) for member in members} == {True, False}
    assert root.post(f"{address}/report", {"reason": "spam"}).status_code == 201
    report = root.get("/api/reports").json[0]
    assert root.patch(f"/api/reports/{report['id']}", {"status": "resolved"}).status_code == 200
    assert root.get("/api/users/me/export").json["messages"]


def test_a_direct_conversation_with_an_erased_user_is_as_documented(anyone: DocumentedClient, make: Factory) -> None:
    gone, me = make.client(make.user(hashed_password=None)), make.user()
    caller = anyone.signed_in(make.token(me))
    caller.post("/api/chat/send", {"content": "hello", "recipient_id": gone.user.id})  # type: ignore[attr-defined]
    with make.app.app_context():
        erase_user(None, gone.user.id)  # type: ignore[attr-defined]
    row = next(row for row in caller.get("/api/chat/conversations").json if row["kind"] == "dm")
    assert row["user"]["is_active"] is False


def test_a_missing_and_an_undocumented_field_are_noticed(anyone: DocumentedClient, make: Factory) -> None:
    room = superuser(anyone, make).post("/api/rooms", {"name": "room"}).json
    validator = anyone.document.validator("create_room", "201", "application/json")
    with pytest.raises(jsonschema_rs.ValidationError, match="member_count"):
        validator.validate({name: value for name, value in room.items() if name != "member_count"})
    with pytest.raises(jsonschema_rs.ValidationError, match="colour"):
        validator.validate(room | {"colour": "red"})
