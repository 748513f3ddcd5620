"""Permissions in a room: every route with every role."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import Client
from tests.factories import Factory
from tests.rooms.conftest import Cast, make_cast, recast, user_id

ROLES = ("anonymous", "stranger", "banned", "left", "member", "admin", "owner", "superuser")

# The status that each role gets from each call, in the order of ROLES.
PUBLIC: dict[tuple[str, str], str] = {
    ("GET", ""): "401 200 200 200 200 200 200 200",
    ("PATCH", ""): "401 403 403 403 403 200 200 403",
    ("DELETE", ""): "401 403 403 403 403 403 204 204",
    ("POST", "/join"): "401 200 403 200 200 200 200 200",
    ("POST", "/leave"): "401 204 204 204 204 204 409 204",
    ("GET", "/members"): "401 200 200 200 200 200 200 200",
    ("GET", "/members?banned=true"): "401 403 403 403 403 200 200 403",
    ("PUT", "/members/{newcomer}"): "401 403 403 403 403 200 200 403",
    ("PUT", "/members/{self}"): "401 403 403 403 403 200 200 403",
    ("PATCH", "/members/{other}"): "401 403 403 403 403 200 200 403",
    ("DELETE", "/members/{other}"): "401 403 403 403 403 204 204 403",
    ("DELETE", "/members/{self}"): "401 204 204 204 204 204 409 204",
    ("DELETE", "/members/{owner}"): "401 403 403 403 403 403 409 403",
    ("POST", "/transfer"): "401 403 403 403 403 403 200 403",
}
PRIVATE: dict[tuple[str, str], str] = {
    ("GET", ""): "401 404 404 404 200 200 200 404",
    ("PATCH", ""): "401 404 404 404 403 200 200 404",
    ("DELETE", ""): "401 404 404 404 403 403 204 204",
    ("POST", "/join"): "401 404 404 404 200 200 200 404",
    ("POST", "/leave"): "401 404 404 404 204 204 409 404",
    ("GET", "/members"): "401 404 404 404 200 200 200 404",
    ("GET", "/members?banned=true"): "401 404 404 404 403 200 200 404",
    ("PUT", "/members/{newcomer}"): "401 404 404 404 403 200 200 404",
    ("PUT", "/members/{self}"): "401 404 404 404 403 200 200 404",
    ("PATCH", "/members/{other}"): "401 404 404 404 403 200 200 404",
    ("DELETE", "/members/{other}"): "401 404 404 404 403 204 204 404",
    ("DELETE", "/members/{self}"): "401 404 404 404 204 204 409 404",
    ("DELETE", "/members/{owner}"): "401 404 404 404 403 403 409 404",
    ("POST", "/transfer"): "401 404 404 404 403 403 200 404",
}
CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "owner_must_transfer"}


@pytest.mark.no_cover  # the tests of the calls cover the same lines
@pytest.mark.parametrize("is_public", [True, False], ids=["public", "private"])
@pytest.mark.parametrize("call", PUBLIC, ids=" ".join)
def test_every_role_gets_the_declared_status(make: Factory, call: tuple[str, str], is_public: bool) -> None:
    expected = dict(zip(ROLES, map(int, (PUBLIC if is_public else PRIVATE)[call].split()), strict=True))
    cast, other = make_cast(make, is_public=is_public), make.client()
    _let_in(cast, other, call[1])
    answers = {}
    for role in ROLES:
        response = _call(cast, role, other, *call)
        answers[role] = response.status_code
        if response.status_code in CODES:
            banned = call[1] == "/join" and role == "banned" and is_public
            assert response.get_json()["code"] == ("banned" if banned else CODES[response.status_code])
        if 200 <= response.status_code < 300 and call[0] != "GET" and role != ROLES[-1]:
            cast = recast(make, cast, is_public=is_public)  # so that the calls of one role do not affect the next
            _let_in(cast, other, call[1])
    assert answers == expected


def _let_in(cast: Cast, other: Client, tail: str) -> None:
    """Make *other* a member if the call is about a member."""
    if "{other}" in tail or tail == "/transfer":
        assert cast.owner.put(f"{cast.path}/members/{user_id(other)}").status_code == 200


def _call(cast: Cast, role: str, other: Client, method: str, tail: str) -> Any:
    client = getattr(cast, role)
    ids = {
        "newcomer": user_id(other),
        "other": user_id(other),
        "owner": user_id(cast.owner),
        "self": user_id(client) if role != "anonymous" else 1,
    }
    bodies = {
        ("PATCH", ""): {"name": "new name"},
        ("PATCH", "/members/{other}"): {"is_admin": True},
        ("POST", "/transfer"): {"user_id": user_id(other)},
    }
    return client.request(method, cast.path + tail.format(**ids), bodies.get((method, tail)))


@pytest.mark.parametrize("room_id", ["0", str(2**63 - 1), str(2**63), "9" * 4000, "-1", "x"])
def test_an_unknown_room_id_is_404(make: Factory, room_id: str) -> None:
    for client in (make.client(), make.client(make.user(is_superuser=True))):
        for method, tail in PUBLIC:
            path = f"/api/rooms/{room_id}" + tail.format(newcomer=1, other=1, owner=1, self=1)
            body = {"user_id": 1} if tail == "/transfer" else {} if method == "PATCH" else None
            response = client.request(method, path, body)
            assert (response.status_code, response.get_json()["code"]) == (404, "not_found"), (method, path[:60])


@pytest.mark.parametrize("user", ["0", str(2**63 - 1), str(2**63), "9" * 4000, "me"])
def test_an_unknown_user_id_is_404(public: Cast, user: str) -> None:
    path = f"{public.path}/members/{user}"
    for response in (
        public.admin.put(path),
        public.admin.put(path, {"is_admin": True}),
        public.admin.patch(path, {"is_banned": True}),
        public.admin.patch(path, {"is_admin": True}),
        public.admin.delete(path),
    ):
        assert (response.status_code, response.get_json()["code"]) == (404, "not_found")


def test_a_deleted_room_is_404_everywhere(public: Cast) -> None:
    assert public.owner.delete(public.path).status_code == 204
    for role in ROLES[1:]:
        client = getattr(public, role)
        for method, tail in PUBLIC:
            path = public.path + tail.format(newcomer=1, other=1, owner=user_id(public.owner), self=user_id(client))
            body = {"user_id": user_id(public.member)} if tail == "/transfer" else {} if method == "PATCH" else None
            assert client.request(method, path, body).status_code == 404, (role, method, tail)
        assert client.get("/api/rooms").get_json() == []


def test_a_token_without_the_scope_write_changes_nothing(make: Factory, public: Cast) -> None:
    from datetime import timedelta

    from backend.models import ApiToken
    from backend.models.base import db, utcnow
    from backend.security.hashing import hash_secret

    with make.app.app_context():
        expires = utcnow() + timedelta(days=1)
        db.session.add(
            ApiToken(
                user_id=user_id(public.owner),
                name="reader",
                token=hash_secret("confab_reader"),
                scopes=["read"],
                expires_at=expires,
            )
        )
        db.session.commit()
    public.owner.token = "confab_reader"
    assert public.owner.get(public.path).status_code == 200
    response = public.owner.patch(public.path, {"name": "x"})
    assert (response.status_code, response.get_json()["code"]) == (403, "insufficient_scope")
