"""LOBBY, REGISTRATION, DIRECTORY, ROOM_CREATION and DOCS: what each hides, on every way to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backend.models import OtpCode, OutboxMessage
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing

REGISTER = "/api/auth/register"
PASSWORD = "correct horse battery"

Switch = Callable[..., None]


@pytest.fixture
def switch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Switch:
    """Change the configuration of the application for the rest of the test."""

    def change(**values: Any) -> None:
        monkeypatch.setitem(app.config, "CONFAB", replace(app.config["CONFAB"], **values))

    return change


@pytest.fixture
def make(app: Flask) -> Factory:
    return Factory(app)


def user_id(client: Client) -> int:
    found: int = client.user.id  # type: ignore[attr-defined]
    return found


def username(client: Client) -> str:
    found: str = client.user.username  # type: ignore[attr-defined]
    return found


def send(client: Client, content: str = "hello", **fields: Any) -> dict[str, Any]:
    response = client.post("/api/chat/send", {"content": content, **fields})
    assert response.status_code == 201, response.get_json()
    message: dict[str, Any] = response.get_json()
    return message


def test_without_a_lobby_it_is_in_no_list(make: Factory, switch: Switch) -> None:
    ann = make.client()
    message = send(ann, "in the lobby")
    assert ann.put(f"/api/chat/messages/{message['id']}/reactions/👍").status_code == 200
    switch(has_lobby=False)
    assert ann.get("/api/chat/conversations").get_json() == []
    assert ann.get("/api/chat/messages").get_json() == []
    assert ann.get("/api/chat/search?q=lobby").get_json() == []
    assert ann.post("/api/chat/sync", {"conversations": {"lobby": 1}}).get_json() == {
        "conversations": [],
        "gone": ["lobby"],
    }
    export = ann.get("/api/users/me/export").get_json()
    assert export["conversations"] == []
    switch(has_lobby=True)
    assert [row["id"] for row in ann.get("/api/chat/conversations").get_json()] == ["lobby"]
    assert [found["id"] for found in ann.get("/api/chat/search?q=lobby").get_json()] == [message["id"]]


def test_without_a_lobby_every_way_to_it_is_404(make: Factory, switch: Switch) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, "first", client_message_id="k")
    one = f"/api/chat/messages/{message['id']}"
    room = make.room(ann)
    switch(has_lobby=False)
    answers = [
        ann.post("/api/chat/send", {"content": "a"}),
        ann.post("/api/chat/send", {"content": "a", "conversation_id": "lobby"}),
        ann.post("/api/chat/send", {"content": "first", "client_message_id": "k2", "conversation_id": "lobby"}),
        ann.post("/api/chat/send", {"content": "a", "room_id": room["id"], "parent_id": message["id"]}),
        ann.get("/api/chat/messages?conversation_id=lobby"),
        ann.get("/api/chat/search?q=a&conversation_id=lobby"),
        ann.get(one),
        ann.get(f"{one}/history"),
        ann.get(f"{one}/replies"),
        ann.patch(one, {"content": "changed"}),
        ann.put(f"{one}/reactions/👍"),
        ann.delete(f"{one}/reactions/👍"),
        ben.post(f"{one}/report", {"reason": "spam"}),
        ann.delete(one),
        ann.post("/api/chat/conversations/lobby/read", {"seq": 1}),
        ann.post("/api/chat/conversations/lobby/unread", {"seq": 1}),
        ann.patch("/api/chat/conversations/lobby", {"is_muted": True}),
    ]
    assert [(answer.request.path, answer.status_code) for answer in answers] == [
        (answer.request.path, 404) for answer in answers
    ]
    switch(has_lobby=True)
    assert ann.get(one).get_json()["content"] == "first"


def test_a_message_of_the_lobby_is_answered_like_an_unknown_one(make: Factory, switch: Switch) -> None:
    """The answer does not tell that there is a message with this id."""
    ann = make.client()
    known, unknown = (f"/api/chat/messages/{id_}" for id_ in (send(ann, "first")["id"], 999_999))
    switch(has_lobby=False)

    def answers(path: str) -> list[tuple[int, str]]:
        calls = [
            ann.get(path),
            ann.get(f"{path}/history"),
            ann.get(f"{path}/replies"),
            ann.patch(path, {"content": "changed"}),
            ann.put(f"{path}/reactions/👍"),
            ann.put(f"{path}/pin"),
            ann.post(f"{path}/report", {"reason": "spam"}),
            ann.delete(path),
        ]
        return [(call.status_code, call.get_json()["detail"]) for call in calls]

    assert answers(known) == answers(unknown)


@pytest.fixture
def register(app: Flask) -> Callable[..., Any]:
    def call(email: str, **fields: Any) -> Any:
        return Client(app).post(REGISTER, {"email": email, "password": PASSWORD, **fields})

    return call


def invite(client: Client, room: dict[str, Any], **fields: Any) -> str:
    code: str = client.post(f"/api/rooms/{room['id']}/invites", fields).get_json()["code"]
    return code


def is_closed(response: Any) -> bool:
    return response.status_code == 403 and response.get_json()["code"] == "registration_closed"


def test_nobody_registers_where_registration_is_closed(
    make: Factory, switch: Switch, register: Callable[..., Any]
) -> None:
    ann = make.client()
    code = invite(ann, make.room(ann))
    switch(registration="closed")
    assert is_closed(register("new@example.com"))
    assert is_closed(register("new@example.com", invite_code=code))
    assert is_closed(register("new@example.com", invite_code="unknown"))
    switch(registration="open")
    assert register("new@example.com").status_code == 201


def test_an_invite_lets_one_register(make: Factory, switch: Switch, register: Callable[..., Any], app: Flask) -> None:
    ann = make.client()
    room = make.room(ann, is_public=False)
    code = invite(ann, room, max_uses=1)
    switch(registration="invite")
    assert is_closed(register("new@example.com"))
    dead = register("new@example.com", invite_code="unknown")
    assert (dead.status_code, dead.get_json()["code"]) == (404, "not_found")
    answer = register("new@example.com", invite_code=code)
    assert answer.status_code == 201, answer.get_json()
    new = Client(app, answer.get_json()["access_token"])
    assert [row["id"] for row in new.get("/api/rooms?mine=true").get_json()] == [room["id"]]
    assert register("other@example.com", invite_code=code).status_code == 404, "the invite is used up"
    assert ann.get("/api/users?q=other").get_json() == []


def test_an_invite_counts_only_with_an_account(make: Factory, switch: Switch, register: Callable[..., Any]) -> None:
    ann = make.client()
    code = invite(ann, make.room(ann), max_uses=1)
    switch(registration="invite")
    email = ann.get("/api/users/me").get_json()["email"]
    assert register(email, invite_code="unknown").status_code == 404, "no invite, no answer about an email"
    assert register(email, invite_code=code).get_json()["code"] == "email_taken"
    assert register("new@example.com", invite_code=code).status_code == 201


def test_an_invite_works_where_registration_is_open(app: Flask, make: Factory, register: Callable[..., Any]) -> None:
    ann = make.client()
    room = make.room(ann, is_public=False)
    answer = register("new@example.com", invite_code=invite(ann, room)).get_json()
    new = Client(app, answer["access_token"])
    assert send(new, room_id=room["id"])["seq"] == 1
    assert register("more@example.com", invite_code="unknown").status_code == 404


@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_a_code_by_text_makes_no_account(
    app: Flask, switch: Switch, outgoing: Outgoing, make: Factory, registration: str
) -> None:
    switch(registration=registration)
    client = Client(app)
    assert client.post("/api/auth/send-otp", {"mobile": "+46701234567"}).status_code == 202
    code = outgoing.code("+46701234567")
    assert is_closed(client.post("/api/auth/verify-otp", {"mobile": "+46701234567", "code": code}))
    switch(registration="open")
    answer = client.post("/api/auth/verify-otp", {"mobile": "+46701234567", "code": code})
    assert answer.status_code == 200
    switch(registration=registration)
    assert client.post("/api/auth/send-otp", {"mobile": "+46701234567"}).status_code == 202
    again = client.post("/api/auth/verify-otp", {"mobile": "+46701234567", "code": outgoing.code("+46701234567")})
    assert again.status_code == 200, "an existing account signs in"


@pytest.fixture
def people(make: Factory) -> tuple[Client, Client, Client]:
    """Two users who share a private room, and a stranger."""
    ann, ben, eve = make.client(), make.client(), make.client()
    make.room(ann, "shared", ben, is_public=False)
    return ann, ben, eve


def test_a_shared_directory_shows_only_acquaintances(switch: Switch, people: tuple[Client, ...]) -> None:
    ann, ben, eve = people
    switch(directory="shared")
    assert {row["id"] for row in ann.get("/api/users").get_json()} == {user_id(ann), user_id(ben)}
    assert ann.get(f"/api/users?q={username(eve)}").get_json() == []
    assert ann.get(f"/api/users/{user_id(ben)}").status_code == 200
    assert eve.get(f"/api/users/{user_id(eve)}").status_code == 200
    for call in (
        ann.get(f"/api/users/{user_id(eve)}"),
        ann.get(f"/api/users/{user_id(eve)}/avatar"),
        ann.put(f"/api/users/me/blocks/{user_id(eve)}"),
        ann.post("/api/chat/send", {"content": "hi", "recipient_id": user_id(eve)}),
        ann.get(f"/api/chat/messages?recipient_id={user_id(eve)}"),
    ):
        assert call.status_code == 404, call.request.path
        assert call.get_json()["code"] == "not_found"


def test_a_direct_conversation_is_an_acquaintance(switch: Switch, people: tuple[Client, ...]) -> None:
    ann, _, eve = people
    send(eve, recipient_id=user_id(ann))
    switch(directory="shared")
    assert ann.get(f"/api/users/{user_id(eve)}").status_code == 200
    assert send(ann, recipient_id=user_id(eve))["seq"] == 2
    assert send(ann, recipient_id=user_id(ann))["seq"] == 1, "notes to self"


def test_a_superuser_sees_everybody(make: Factory, switch: Switch, people: tuple[Client, ...]) -> None:
    root = make.client(make.user(is_superuser=True))
    for directory in ("shared", "off"):
        switch(directory=directory)
        listed = {row["id"] for row in root.get("/api/users").get_json()}
        assert listed >= {user_id(client) for client in people}
        assert root.get(f"/api/users/{user_id(people[2])}").status_code == 200


def test_a_closed_directory_finds_nobody(switch: Switch, people: tuple[Client, ...]) -> None:
    ann, ben, eve = people
    switch(directory="off")
    assert ann.get("/api/users").get_json() == []
    assert ann.get(f"/api/users?q={username(ben)}").get_json() == []
    by_id = ann.get(f"/api/users?ids={user_id(ben)},{user_id(eve)}").get_json()
    assert [user["id"] for user in by_id] == [user_id(ben)]
    assert ann.get(f"/api/users/{user_id(ben)}").status_code == 200
    assert ann.get(f"/api/users/{user_id(eve)}").status_code == 404


def test_a_hidden_user_cannot_be_put_into_a_room(make: Factory, switch: Switch, people: tuple[Client, ...]) -> None:
    ann, ben, eve = people
    room = make.room(ann, "other")
    members = f"/api/rooms/{room['id']}/members"
    switch(directory="shared")
    assert ann.put(f"{members}/{user_id(eve)}").status_code == 404
    assert ann.patch(f"{members}/{user_id(eve)}", {"is_banned": True}).status_code == 404
    assert ann.put(f"{members}/{user_id(ben)}").status_code == 200
    eve.post(f"/api/rooms/{room['id']}/join")
    assert ann.get(f"/api/users/{user_id(eve)}").status_code == 200
    assert ann.patch(f"{members}/{user_id(eve)}", {"is_banned": True}).status_code == 200
    assert ann.get(f"/api/users/{user_id(eve)}").status_code == 404
    assert ann.patch(f"{members}/{user_id(eve)}", {"is_banned": False}).status_code == 200, "a ban can still be lifted"


def test_members_of_a_public_room_are_hidden_from_outside(
    make: Factory, switch: Switch, people: tuple[Client, ...]
) -> None:
    ann, ben, eve = people
    room = make.room(ann, "public", ben)
    switch(directory="shared")
    assert eve.get(f"/api/rooms/{room['id']}/members").get_json() == []
    assert len(ben.get(f"/api/rooms/{room['id']}/members").get_json()) == 2


def test_a_mention_in_the_lobby_finds_no_hidden_user(switch: Switch, people: tuple[Client, ...]) -> None:
    ann, ben, eve = people
    text = f"@{username(ben)} @{username(eve)} @{username(ann)}"
    everybody = [user_id(ben), user_id(eve), user_id(ann)]
    assert send(ann, text)["mentions"] == everybody
    switch(directory="shared")
    message = send(ann, text)
    assert message["mentions"] == [user_id(ben), user_id(ann)]
    changed = ann.patch(f"/api/chat/messages/{message['id']}", {"content": f"{text}!"}).get_json()
    assert changed["mentions"] == [user_id(ben), user_id(ann)]
    row = eve.get("/api/chat/conversations").get_json()[0]
    assert (row["id"], row["mention_count"]) == ("lobby", 1)


def test_an_export_names_no_hidden_user(switch: Switch, people: tuple[Client, ...]) -> None:
    ann, ben, eve = people
    send(ann, f"@{username(ben)} @{username(eve)}")
    assert str(user_id(eve)) in ann.get("/api/users/me/export").get_json()["users"]
    switch(directory="shared")
    named = ann.get("/api/users/me/export").get_json()["users"]
    assert set(named) == {str(user_id(ann)), str(user_id(ben))}


def test_only_superusers_create_rooms(make: Factory, switch: Switch) -> None:
    ann, root = make.client(), make.client(make.user(is_superuser=True))
    switch(room_creation="superusers")
    refused = ann.post("/api/rooms", {"name": "a"})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden")
    room = root.post("/api/rooms", {"name": "a"})
    assert room.status_code == 201
    assert ann.post(f"/api/rooms/{room.get_json()['id']}/join").status_code == 200
    token = root.post("/api/auth/tokens", {"name": "t"}).get_json()["token"]
    limited = Client(root.app, token).post("/api/rooms", {"name": "b"})
    assert limited.status_code == 403, "a token without the scope admin"


def test_no_code_is_sent_where_texts_are_off(app: Flask, switch: Switch, outgoing: Outgoing) -> None:
    client = Client(app)
    assert client.post("/api/auth/send-otp", {"mobile": "+46701234567"}).status_code == 202
    code = outgoing.code("+46701234567")
    with app.app_context():
        queued = db.session.scalars(select(OutboxMessage.id)).all()
    switch(sms_gateway="off")
    answer = client.post("/api/auth/send-otp", {"mobile": "+46701234568"})
    assert (answer.status_code, answer.get_json()) == (202, {"status": "accepted"})
    with app.app_context():
        assert db.session.scalars(select(OutboxMessage.id)).all() == queued
        assert db.session.scalars(select(OtpCode.mobile)).all() == ["+46701234567"]
    assert client.post("/api/auth/verify-otp", {"mobile": "+46701234567", "code": code}).status_code == 200


DOCUMENTATION = ("/docs", "/openapi.json", "/asyncapi.json", "/realtime.schema.json", "/reference_client.py")


@pytest.mark.parametrize("path", [*DOCUMENTATION, *(f"{path}/" for path in DOCUMENTATION)])
def test_without_docs_their_addresses_are_unknown(make_app: Callable[..., Flask], path: str) -> None:
    client = Client(make_app({"DOCS": "off"}))
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        answer, unknown = client.request(method, path), client.request(method, "/nowhere")
        assert (answer.status_code, answer.headers.get("Allow")) == (404, None)
        assert answer.headers["Cache-Control"] == unknown.headers["Cache-Control"]
        if method != "HEAD":
            problems = [{**each.get_json(), "request_id": None} for each in (answer, unknown)]
            assert problems[0] == problems[1]
            assert problems[0]["code"] == "not_found"


def test_without_docs_the_front_page_does_not_link_to_them(make_app: Callable[..., Flask]) -> None:
    shown, hidden = (Client(make_app({"DOCS": docs})).get("/").text for docs in ("on", "off"))
    assert [path for path in DOCUMENTATION if f'href="{path}"' in shown] == ["/docs"]
    assert [path for path in DOCUMENTATION if path in hidden] == []
    assert 'data-docs="off"' in hidden, "the page's script shows no link either"
