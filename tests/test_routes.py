"""Permissions: every route with every role. A route that is missing in the table fails the test.

Each row runs in a scene: a private room with an owner, an ordinary member, and a message of that member; `{room}`, `{message}`,
... in an address stand for their ids. The numbers are the statuses for ROLES, in order. Every row gets an unchanged scene: a
scene that was changed, or may have been, is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend.models import ApiToken
from backend.models.base import db
from backend.security.hashing import hash_secret, new_secret
from tests.client import Client
from tests.conftest import wipe
from tests.factories import Factory

ROLES = ("anonymous", "stranger", "member", "owner", "superuser")
PLACES = {
    "<id:room_id>": "{room}",
    "<id:user_id>": "{user}",
    "<id:message_id>": "{message}",
    "<id:attachment_id>": "{message}",
    "<conversation_id>": "room:{room}",
    "<id:session_id>": "{session}",
    "<id:token_id>": "{token}",
    "<id:role_id>": "{role}",
    "<id:report_id>": "{report}",
    "<emoji>": "%F0%9F%91%8D",
    "<secret:code>": "unknown",
    "<path:filename>": "docs.css",
    "<digest>": "current",
    "<path:name>": "vendor/preact.js",
    "<client_id>": "device",
}

TABLE: dict[str, tuple[str, Any]] = {
    "GET /": ("200 200 200 200 200", None),
    "GET /app/<digest>/<path:name>": ("200 200 200 200 200", None),
    "GET /manifest.webmanifest": ("200 200 200 200 200", None),
    "GET /sw.js": ("200 200 200 200 200", None),
    "GET /confab.d.ts": ("200 200 200 200 200", None),
    "GET /confab.js": ("200 200 200 200 200", None),
    "GET /confab-node.js": ("200 200 200 200 200", None),
    "POST /api/auth/send-otp": ("202 202 202 202 202", {"mobile": "+46701740605"}),
    "POST /api/auth/verify-otp": ("401 401 401 401 401", {"mobile": "+46701740605", "code": "000000"}),
    "POST /api/auth/forgot-password": ("202 202 202 202 202", {"email": "no@example.com"}),
    "POST /api/auth/reset-password": ("400 400 400 400 400", {"token": "unknown", "password": "password123"}),
    "POST /api/auth/verify-email": ("400 400 400 400 400", {"token": "unknown"}),
    "POST /api/auth/resend-verification": ("401 202 202 202 202", None),
    "POST /api/auth/change-password": ("401 204 204 204 204", {"new_password": "password123"}),
    "POST /api/auth/confirm": ("401 403 403 403 403", {"password": "password123"}),
    "GET /api/auth/totp": ("401 200 200 200 200", None),
    "POST /api/auth/totp": ("401 201 201 201 201", {}),
    "DELETE /api/auth/totp": ("401 404 404 404 404", {}),
    "POST /api/auth/totp/confirm": ("401 404 404 404 404", {"totp_code": "123456"}),
    "POST /api/auth/totp/recovery-codes": ("401 404 404 404 404", {}),
    "POST /api/auth/login": ("401 401 401 401 401", {"email": "no@example.com", "password": "password123"}),
    "POST /api/auth/logout": ("401 204 204 204 204", None),
    "POST /api/auth/refresh": ("401 401 401 401 401", {"refresh_token": "unknown"}),
    "POST /api/auth/register": ("201 201 201 201 201", {"email": "new@example.com", "password": "password123"}),
    "DELETE /api/auth/sessions": ("401 204 204 204 204", None),
    "GET /api/auth/sessions": ("401 200 200 200 200", None),
    "DELETE /api/auth/sessions/<id:session_id>": ("401 404 204 404 404", None),
    "POST /api/auth/ws-ticket": ("401 201 201 201 201", None),
    "POST /token": ("400 400 400 400 400", "username=no@example.com&password=password123"),
    "GET /api/chat/conversations": ("401 200 200 200 200", None),
    "GET /api/chat/conversations/<conversation_id>": ("401 404 200 200 404", None),
    "PATCH /api/chat/conversations/<conversation_id>": ("401 404 200 200 404", {"is_muted": True}),
    "POST /api/chat/conversations/<conversation_id>/read": ("401 404 200 200 404", {"seq": 1}),
    "POST /api/chat/conversations/<conversation_id>/unread": ("401 404 200 200 404", {"seq": 1}),
    "GET /api/chat/messages": ("401 200 200 200 200", None),
    "GET /api/chat/messages/<id:message_id>": ("401 404 200 200 404", None),
    "PATCH /api/chat/messages/<id:message_id>": ("401 404 200 403 404", {"content": "edited"}),
    "DELETE /api/chat/messages/<id:message_id>": ("401 404 204 204 404", None),
    "GET /api/chat/messages/<id:message_id>/history": ("401 404 200 200 404", None),
    "GET /api/chat/messages/<id:message_id>/replies": ("401 404 200 200 404", None),
    "PUT /api/chat/messages/<id:message_id>/reactions/<emoji>": ("401 404 200 200 404", None),
    "DELETE /api/chat/messages/<id:message_id>/reactions/<emoji>": ("401 404 200 200 404", None),
    "PUT /api/chat/messages/<id:message_id>/pin": ("401 404 403 200 404", None),
    "DELETE /api/chat/messages/<id:message_id>/pin": ("401 404 403 200 404", None),
    "GET /api/chat/search": ("401 422 422 422 422", None),
    "POST /api/chat/attachments": ("401 415 415 415 415", None),
    "GET /api/chat/attachments/<id:attachment_id>": ("401 404 404 404 404", None),
    "GET /api/chat/attachments/<id:attachment_id>/link": ("401 404 404 404 404", None),
    "GET /api/chat/attachments/<id:attachment_id>/signed": ("422 422 422 422 422", None),
    "POST /api/chat/send": ("401 404 201 201 404", {"content": "x", "room_id": "{room}"}),
    "POST /api/chat/sync": ("401 200 200 200 200", {"conversations": {}}),
    "GET /api/health": ("200 200 200 200 200", None),
    "GET /api/health/detailed": ("401 403 403 403 200", None),
    "GET /api/health/ready": ("200 200 200 200 200", None),
    "GET /api/rooms": ("401 200 200 200 200", None),
    "POST /api/rooms": ("401 201 201 201 201", {"name": "new"}),
    "DELETE /api/rooms/<id:room_id>": ("401 404 403 204 204", None),
    "GET /api/rooms/<id:room_id>": ("401 404 200 200 404", None),
    "PATCH /api/rooms/<id:room_id>": ("401 404 403 200 404", {"name": "new"}),
    "POST /api/rooms/<id:room_id>/join": ("401 404 200 200 404", None),
    "POST /api/rooms/<id:room_id>/leave": ("401 404 204 409 404", None),
    "GET /api/rooms/<id:room_id>/members": ("401 404 200 200 404", None),
    "DELETE /api/rooms/<id:room_id>/members/<id:user_id>": ("401 404 204 204 404", None),
    "PATCH /api/rooms/<id:room_id>/members/<id:user_id>": ("401 404 403 200 404", {"is_admin": True}),
    "PUT /api/rooms/<id:room_id>/members/<id:user_id>": ("401 404 403 200 404", None),
    "GET /api/rooms/<id:room_id>/messages": ("401 404 200 200 404", None),
    "POST /api/rooms/<id:room_id>/messages": ("401 404 201 201 404", {"content": "x"}),
    "POST /api/rooms/<id:room_id>/transfer": ("401 404 403 200 404", {"user_id": "{user}"}),
    "GET /api/users": ("401 200 200 200 200", None),
    "GET /api/users/<id:user_id>": ("401 200 200 200 200", None),
    "GET /api/users/me": ("401 200 200 200 200", None),
    "GET /docs": ("200 200 200 200 200", None),
    "GET /favicon.ico": ("200 200 200 200 200", None),
    "GET /openapi.json": ("200 200 200 200 200", None),
    "GET /asyncapi.json": ("200 200 200 200 200", None),
    "GET /realtime.schema.json": ("200 200 200 200 200", None),
    "GET /reference_client.py": ("200 200 200 200 200", None),
    "GET /static/<path:filename>": ("200 200 200 200 200", None),
    "GET /ws/<client_id>": ("426 426 426 426 426", None),
    "GET /api/audit": ("401 403 403 403 200", None),
    "GET /api/auth/tokens": ("401 200 200 200 200", None),
    "POST /api/auth/tokens": ("401 201 201 201 201", {"name": "x"}),
    "DELETE /api/auth/tokens/<id:token_id>": ("401 404 204 404 404", None),
    "POST /api/chat/messages/<id:message_id>/report": ("401 404 201 201 404", {"reason": "x"}),
    "GET /api/reports": ("401 403 403 403 200", None),
    "PATCH /api/reports/<id:report_id>": ("401 403 403 403 200", {"status": "resolved"}),
    "GET /api/roles": ("401 200 200 200 200", None),
    "POST /api/roles": ("401 403 403 403 201", {"name": "new"}),
    "PATCH /api/roles/<id:role_id>": ("401 403 403 403 200", {"name": "new"}),
    "DELETE /api/roles/<id:role_id>": ("401 403 403 403 204", None),
    "PUT /api/users/<id:user_id>/roles/<id:role_id>": ("401 403 403 403 204", None),
    "DELETE /api/users/<id:user_id>/roles/<id:role_id>": ("401 403 403 403 204", None),
    "PATCH /api/users/<id:user_id>": ("401 403 403 403 200", {"is_superuser": True}),
    "PATCH /api/users/me": ("401 200 200 200 200", {"bio": "x"}),
    "DELETE /api/users/me": ("401 422 422 422 422", {}),
    "GET /api/users/me/export": ("401 200 200 200 200", None),
    "PUT /api/users/me/avatar": ("401 415 415 415 415", None),
    "DELETE /api/users/me/avatar": ("401 204 204 204 204", None),
    "GET /api/users/<id:user_id>/avatar": ("401 404 404 404 404", None),
    "GET /api/users/me/blocks": ("401 200 200 200 200", None),
    "PUT /api/users/me/blocks/<id:user_id>": ("401 204 422 204 204", None),
    "DELETE /api/users/me/blocks/<id:user_id>": ("401 204 204 204 204", None),
    "GET /api/rooms/<id:room_id>/invites": ("401 404 403 200 404", None),
    "POST /api/rooms/<id:room_id>/invites": ("401 404 403 201 404", None),
    "DELETE /api/rooms/<id:room_id>/invites/<secret:code>": ("401 404 403 404 404", None),
    "POST /api/rooms/join": ("401 404 404 404 404", {"code": "unknown"}),
    "GET /metrics": ("404 404 404 404 404", None),
}


def rules(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_table_names_every_route(sqlite_app: Flask) -> None:
    assert rules(sqlite_app) - set(TABLE) == set(), "routes without a row in the table"
    assert set(TABLE) - rules(sqlite_app) == set(), "rows without a route"


class Scene:
    """The users and things that the rows of the table name."""

    def __init__(self, app: Flask):
        self.app = app
        make = Factory(app)
        self.people = {name: make.client(make.user(is_superuser=name == "superuser")) for name in ROLES[1:]}
        self.ids = _furnish(make, self.people)

    def blind(self, who: str) -> Client:
        """A client with an API token of a user that has every scope but read."""
        secret = f"confab_{new_secret()}"
        user_id = self.people[who].user.id  # type: ignore[attr-defined]
        scopes = ["write", "admin"] if who == "superuser" else ["write"]
        with self.app.app_context():
            db.session.add(ApiToken(user_id=user_id, name="blind", token=hash_secret(secret), scopes=scopes))
            db.session.commit()
        return Client(self.app, secret)

    def call(self, row: str, caller: Client) -> TestResponse:
        """Make the call of a row of the table."""
        method, _, address = row.partition(" ")
        for place, value in PLACES.items():
            address = address.replace(place, value)
        body = TABLE[row][1]
        form = {"data": body, "content_type": "application/x-www-form-urlencoded"} if isinstance(body, str) else {}
        filled = None if form else _filled(body, self.ids)
        return caller.request(method, address.format(**self.ids), filled, **form)


class ScenePool:
    """Keeps a scene on one of the databases, and creates another when it was changed."""

    def __init__(self, app: Flask):
        self.app = app
        self._scene: Scene | None = None

    @contextmanager
    def scene(self) -> Iterator[Scene]:
        """The kept scene, or another. It is deleted afterwards, unless it is given back."""
        scene, self._scene = self._scene or Scene(self.app), None
        try:
            yield scene
        finally:
            if self._scene is None:
                with self.app.app_context():
                    wipe()

    def give_back(self, scene: Scene) -> None:
        """Keep *scene*, which is unchanged, for the next call."""
        self._scene = scene


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pool(request: pytest.FixtureRequest) -> Iterator[ScenePool]:
    app: Flask = request.getfixturevalue(f"{request.param}_app")
    yield ScenePool(app)
    with app.app_context():
        wipe()


@pytest.mark.no_cover  # the tests of the features run all this code too
@pytest.mark.parametrize("row", TABLE)
def test_each_role_gets_the_status_of_the_table(pool: ScenePool, row: str) -> None:
    statuses, answers = [], []
    for role in ROLES:
        with pool.scene() as scene:
            response = scene.call(row, scene.people.get(role, Client(scene.app)))
            statuses.append(str(response.status_code))
            answers.append((role, response.get_data()[:300]))
            if row.startswith("GET ") or response.status_code >= 400:
                pool.give_back(scene)
    assert " ".join(statuses) == TABLE[row][0], answers


SHOWN = {
    "POST /api/auth/resend-verification",
    "POST /api/auth/ws-ticket",
    "POST /api/chat/attachments",
    "POST /api/chat/send",
    "POST /api/rooms",
    "POST /api/rooms/<id:room_id>/invites",
    "POST /api/rooms/<id:room_id>/messages",
    "POST /api/roles",
}
"""The answers of these contain only the caller's own data, or nobody's, so a token without the scope `read` may see them."""


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "row", [row for row in TABLE if not row.startswith("GET ") and TABLE[row][0].startswith("401")]
)
def test_tokens_without_read_see_nothing(pool: ScenePool, row: str) -> None:
    """A write returns the id, and what the token itself sent."""
    statuses, body = TABLE[row]
    who = "superuser" if statuses.split()[-2] == "403" else "owner"
    with pool.scene() as scene:
        response = scene.call(row, scene.blind(who))
        answer = response.get_json() if response.data else None
        if response.status_code < 300 and row not in SHOWN and answer is not None:
            sent = _filled(body, scene.ids) or {}
            assert answer.items() <= {"id": answer.get("id"), **sent}.items()


def _furnish(make: Factory, people: dict[str, Client]) -> dict[str, int]:
    room = make.room(people["owner"], "private", people["member"], is_public=False)
    sent = people["member"].post("/api/chat/send", {"content": "hello", "room_id": room["id"]}).json
    session = people["member"].get("/api/auth/sessions").json[0]["id"]
    user = people["member"].user.id  # type: ignore[attr-defined]
    token = people["member"].post("/api/auth/tokens", {"name": "script"}).json["id"]
    role = people["superuser"].post("/api/roles", {"name": "support"}).json["id"]
    path = f"/api/chat/messages/{sent['id']}/report"
    report = people["member"].post(path, {"reason": "x"}).json["id"]
    ids = {"room": room["id"], "message": sent["id"], "user": user, "session": session}
    return ids | {"token": token, "role": role, "report": report}


def _filled(body: Any, ids: dict[str, int]) -> Any:
    """*body* with the names replaced by the ids for which they stand."""
    if isinstance(body, dict):
        return {
            key: ids[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value
            for key, value in body.items()
        }
    return body
