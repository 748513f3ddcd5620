"""Creating, finding and changing rooms."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.models import Room
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries
from tests.rooms.conftest import Cast, user_id
from tests.rooms.state import inboxes, last_modseq, memberships

PUBLIC = {
    "id",
    "name",
    "description",
    "is_public",
    "owner_id",
    "member_count",
    "conversation_id",
    "created_at",
    "updated_at",
}
OWN = {"is_admin", "joined_at"}


def names(client: Client, **query: Any) -> list[str]:
    response = client.get("/api/rooms", query_string=query)
    assert response.status_code == 200, response.get_data()
    return [room["name"] for room in response.get_json()]


def test_the_creator_owns_the_room(app: Flask, make: Factory) -> None:
    owner = make.client()
    response = owner.post("/api/rooms", {"name": "  tea  ", "description": "Kettles"})
    room = response.get_json()
    assert response.status_code == 201
    assert set(room) == PUBLIC | OWN
    assert (room["name"], room["description"], room["is_public"]) == ("tea", "Kettles", True)
    assert (room["owner_id"], room["member_count"], room["is_admin"]) == (user_id(owner), 1, True)
    assert room["conversation_id"] == f"room:{room['id']}"
    assert room["created_at"].endswith("Z")
    assert owner.get(f"/api/rooms/{room['id']}").get_json() == room
    assert owner.get(f"/api/rooms/{room['id']}/").get_json() == room
    assert last_modseq(app, room) == 1
    assert [row.modseq for row in memberships(app, room).values()] == [1]
    assert inboxes(app, room) == {user_id(owner): 0}


def test_a_room_needs_only_a_name(make: Factory) -> None:
    room = make.client().post("/api/rooms/", {"name": "å" * 100}).get_json()
    assert (room["name"], room["description"], room["is_public"]) == ("å" * 100, None, True)
    room = make.client().post("/api/rooms", {"name": "x", "description": None, "is_public": False}).get_json()
    assert (room["description"], room["is_public"]) == (None, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": " \t\n"}, "name"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a\ud800b"}, "name"),
        ({"name": "x", "description": 1}, "description"),
        ({"name": "x", "description": "x" * 4001}, "description"),
        ({"name": "x", "description": "\0"}, "description"),
        ({"name": "x", "is_public": "true"}, "is_public"),
        ({"name": "x", "is_public": 1}, "is_public"),
        ({"name": "x", "is_public": None}, "is_public"),
        ({"name": "x", "owner_id": 1}, "owner_id"),
    ],
)
def test_errors_name_the_invalid_field(public: Cast, body: Any, field: str) -> None:
    text = {
        "data": json.dumps(body),
        "content_type": "application/json",
    }  # not sent by orjson, which refuses lone surrogates
    responses = [public.stranger.post("/api/rooms", **text)]
    if body:
        responses.append(public.owner.patch(public.path, **text))
    for response in responses:
        problem = response.get_json()
        assert (response.status_code, problem["code"]) == (422, "validation_failed")
        assert list(problem["errors"]) == [field]


def test_a_change_affects_only_the_given_fields(public: Cast) -> None:
    before = public.owner.get(public.path).get_json()
    after = public.admin.patch(public.path, {"description": "new"}).get_json()
    assert (after["name"], after["description"]) == (before["name"], "new")
    assert after["updated_at"] > before["updated_at"]
    assert after["created_at"] == before["created_at"]
    after = public.admin.patch(public.path, {"description": None, "name": "other", "is_public": False}).get_json()
    assert (after["name"], after["description"], after["is_public"]) == ("other", None, False)
    assert public.stranger.get(public.path).status_code == 404
    assert public.member.get(public.path).get_json()["name"] == "other"


def test_a_change_is_later_than_the_one_before_whatever_the_clocks_say(app: Flask, public: Cast) -> None:
    """Workers find a change of a room by its time. The clock of the machine that made the last one may be ahead."""
    with app.app_context():
        db.session.execute(update(Room).values(updated_at=utcnow() + timedelta(hours=1)))
        db.session.commit()
    before = public.owner.get(public.path).get_json()
    for name in ("one", "two"):
        after = public.admin.patch(public.path, {"name": name}).get_json()
        assert after["updated_at"] > before["updated_at"]
        assert after == public.admin.get(public.path).get_json()
        before = after


def test_an_empty_change_changes_nothing(public: Cast) -> None:
    before = public.admin.get(public.path).get_json()
    assert public.admin.patch(public.path, {}).get_json() == before
    assert public.admin.patch(public.path, {"name": before["name"]}).get_json() == before
    assert public.admin.get(public.path).get_json() == before


def test_only_members_see_their_own_fields(public: Cast) -> None:
    for client, keys in (
        (public.stranger, PUBLIC),
        (public.banned, PUBLIC),
        (public.left, PUBLIC),
        (public.superuser, PUBLIC),
        (public.member, PUBLIC | OWN),
    ):
        room = client.get(public.path).get_json()
        assert set(room) == keys
        assert room["member_count"] == 3
        assert set(client.get("/api/rooms").get_json()[0]) == keys
    assert public.member.get(public.path).get_json()["is_admin"] is False
    assert public.admin.get(public.path).get_json()["is_admin"] is True


def test_the_list_has_public_rooms_and_those_of_the_caller(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    make.room(ann, "ann open")
    make.room(ann, "ann closed", is_public=False)
    make.room(ann, "shared", bob, is_public=False)
    make.room(bob, "bob open")
    assert names(ann) == ["bob open", "shared", "ann closed", "ann open"]
    assert names(bob) == ["bob open", "shared", "ann open"]
    assert names(ann, mine="true") == ["shared", "ann closed", "ann open"]
    assert names(bob, mine="true") == ["bob open", "shared"]
    assert names(bob, mine="false") == names(bob)
    assert names(make.client()) == ["bob open", "ann open"]
    assert names(make.client(make.user(is_superuser=True))) == ["bob open", "ann open"]


def test_a_room_that_the_user_left_is_not_listed_as_theirs(public: Cast, private: Cast) -> None:
    for role in (public.left, public.banned):
        assert names(role, mine="true") == []
        assert names(role) == ["the room"]
    for role in (private.left, private.banned):
        assert [room["id"] for room in role.get("/api/rooms").get_json()] == [public.room["id"]]


@pytest.mark.parametrize("sign", ["%", "_", "\\", "/", "'", "*", "["])
def test_search_is_literal(make: Factory, sign: str) -> None:
    owner = make.client()
    make.room(owner, "plain", description="Plain")
    make.room(owner, f"a{sign}B")
    make.room(owner, "described", description=f"c{sign}D")
    assert names(owner, q=sign) == ["described", f"a{sign}B"]
    assert names(owner, q=f"A{sign}b") == [f"a{sign}B"]
    assert names(owner, q=f"C{sign}d", mine="true") == ["described"]
    assert names(owner, q=f"{sign}a") == []


def test_search_ignores_case_beyond_ascii(make: Factory) -> None:
    owner = make.client()
    make.room(owner, "Över allt")
    assert names(owner, q="öVER") == ["Över allt"]


def test_search_finds_no_hidden_room(private: Cast) -> None:
    assert names(private.stranger, q="the room") == []
    assert names(private.superuser, q="the room") == []
    assert names(private.member, q="the room") == ["the room"]


def test_an_invalid_query_is_422(make: Factory) -> None:
    client = make.client()
    for query in (
        "?mine=1",
        "?mine=yes",
        "?q=%00",
        "?q=" + "x" * 256,
        "?limit=0",
        "?limit=101",
        "?skip=10001",
        "?skip=a",
    ):
        assert client.get(f"/api/rooms{query}").status_code == 422, query


def test_pages_of_the_list_are_linked(make: Factory) -> None:
    owner = make.client()
    for n in range(5):
        make.room(owner, f"r{n}")
    path, seen = "/api/rooms?limit=2&mine=true&q=r", []
    while path:
        response = owner.get(path)
        seen += [room["name"] for room in response.get_json()]
        link = response.headers.get("Link")
        path = link[1 : link.index(">")] if link else ""
    assert seen == ["r4", "r3", "r2", "r1", "r0"]


def test_lists_take_a_constant_number_of_queries(app: Flask, make: Factory) -> None:
    owner = make.client()
    room = make.room(owner, "room", make.client())
    paths = ["/api/rooms", "/api/rooms?mine=true&q=r", f"/api/rooms/{room['id']}/members", f"/api/rooms/{room['id']}"]
    counts = []
    for _ in range(2):
        for path in paths:
            with count_queries(app) as queries:
                assert owner.get(path).status_code == 200
            counts.append(len(queries))
        for n in range(5):
            make.room(owner, f"r{n}", make.client())
            owner.put(f"/api/rooms/{room['id']}/members/{make.user().id}")
    assert counts == [3, 3, 4, 3] * 2, queries  # the list of members also reads who blocks the caller
