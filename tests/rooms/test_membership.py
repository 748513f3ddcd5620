"""Joining, leaving, promotion and removal: their effects, and that each takes one modseq."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.models import Conversation, RoomMembership
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import published
from tests.rooms.conftest import Cast, user_id
from tests.rooms.state import inboxes, last_modseq, memberships


def member_names(client: Client, cast: Cast, query: str = "") -> list[str]:
    response = client.get(f"{cast.path}/members{query}")
    assert response.status_code == 200, response.get_data()
    return [member["user"]["username"] for member in response.get_json()]


def member_path(cast: Cast, client: Client) -> str:
    return f"{cast.path}/members/{user_id(client)}"


def refused(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_joining_twice_makes_one_membership(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    with app.app_context():
        db.session.get_one(Conversation, public.room["conversation_id"]).last_seq = 12
        db.session.commit()
    response = public.stranger.post(f"{public.path}/join")
    room = response.get_json()
    assert (response.status_code, room["member_count"], room["is_admin"]) == (200, 4, False)
    assert public.stranger.post(f"{public.path}/join/").get_json() == room
    assert last_modseq(app, public.room) == before + 1
    assert memberships(app, public.room)[user_id(public.stranger)].modseq == before + 1
    assert inboxes(app, public.room)[user_id(public.stranger)] == 12  # earlier messages count as read


@pytest.mark.parametrize(
    "body",
    [{}, {"data": b"not json", "content_type": "text/plain"}, {"data": b"{", "content_type": "application/json"}],
    ids=["none", "text", "broken"],
)
def test_join_and_leave_read_no_body(public: Cast, body: dict[str, Any]) -> None:
    assert public.stranger.post(f"{public.path}/join", **body).status_code == 200
    assert public.stranger.post(f"{public.path}/leave", **body).status_code == 204


def test_leaving_ends_the_membership_once(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    for _ in range(2):
        response = public.admin.post(f"{public.path}/leave")
        assert (response.status_code, response.get_data()) == (204, b"")
    row = memberships(app, public.room)[user_id(public.admin)]
    assert (row.modseq, row.is_admin) == (before + 1, False)
    assert row.left_at is not None
    assert last_modseq(app, public.room) == before + 1
    assert user_id(public.admin) not in inboxes(app, public.room)
    assert "is_admin" not in public.admin.get(public.path).get_json()


def test_a_user_who_returns_gets_a_new_start(app: Flask, public: Cast) -> None:
    joined = public.admin.get(public.path).get_json()["joined_at"]
    public.admin.post(f"{public.path}/leave")
    room = public.admin.post(f"{public.path}/join").get_json()
    assert room["is_admin"] is False
    assert room["joined_at"] > joined
    assert user_id(public.admin) in inboxes(app, public.room)
    assert len([row for row in memberships(app, public.room).values() if row.user_id == user_id(public.admin)]) == 1


def test_an_owner_has_to_transfer_the_room_before_leaving(public: Cast) -> None:
    refused(public.owner.post(f"{public.path}/leave"), 409, "owner_must_transfer")
    refused(public.owner.delete(member_path(public, public.owner)), 409, "owner_must_transfer")
    assert public.owner.post(f"{public.path}/transfer", {"user_id": user_id(public.member)}).status_code == 200
    assert public.owner.post(f"{public.path}/leave").status_code == 204
    assert public.member.get(public.path).get_json()["owner_id"] == user_id(public.member)


def test_a_room_is_deleted_when_its_only_member_leaves(app: Flask, make: Factory) -> None:
    owner, gone = make.client(), make.client()
    room = make.room(owner, "short", gone)
    path = f"/api/rooms/{room['id']}"
    assert owner.patch(f"{path}/members/{user_id(gone)}", {"is_banned": True}).status_code == 200
    assert owner.post(f"{path}/leave").status_code == 204
    assert owner.get(path).status_code == 404
    assert gone.get(path).status_code == 404
    assert inboxes(app, room) == {}


def test_members_are_listed_in_the_order_of_joining_with_public_profiles(public: Cast) -> None:
    expected = [client.user.username for client in (public.owner, public.admin, public.member)]  # type: ignore[attr-defined]
    for viewer in (public.owner, public.member, public.stranger, public.banned, public.superuser):
        assert member_names(viewer, public) == expected
    members = public.superuser.get(f"{public.path}/members").get_json()
    assert [set(member) for member in members] == [{"user", "is_admin", "joined_at"}] * 3
    assert [member["is_admin"] for member in members] == [True, True, False]
    assert "email" not in members[0]["user"]


def test_pages_of_members_are_linked(public: Cast) -> None:
    response = public.member.get(f"{public.path}/members?limit=2")
    assert len(response.get_json()) == 2
    link = response.headers["Link"]
    last = public.member.get(link[1 : link.index(">")])
    assert [member["user"]["id"] for member in last.get_json()] == [user_id(public.member)]
    assert "Link" not in last.headers


def test_admins_see_who_is_banned(public: Cast) -> None:
    assert member_names(public.admin, public, "?banned=true") == [public.banned.user.username]  # type: ignore[attr-defined]
    assert public.admin.get(f"{public.path}/members?banned=1").status_code == 422


@pytest.mark.parametrize("body", [None, {}, {"is_admin": False}, {"is_admin": True}])
def test_an_admin_adds_a_user(app: Flask, private: Cast, body: Any) -> None:
    before = last_modseq(app, private.room)
    path = member_path(private, private.stranger)
    is_admin = bool(body and body.get("is_admin"))
    response = private.admin.put(path, body)
    member = response.get_json()
    assert response.status_code == 200
    assert set(member) == {"user", "is_admin", "joined_at", "is_banned"}
    assert (member["user"]["id"], member["is_admin"]) == (user_id(private.stranger), is_admin)
    assert private.admin.put(path, body).get_json() == member
    assert private.admin.put(path).get_json() == member
    assert last_modseq(app, private.room) == before + 1
    assert private.stranger.get(private.path).get_json()["is_admin"] is is_admin
    assert user_id(private.stranger) in inboxes(app, private.room)


def test_adding_a_member_sets_what_the_body_says(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    assert public.admin.put(member_path(public, public.member), {"is_admin": True}).get_json()["is_admin"] is True
    assert public.owner.put(member_path(public, public.admin), {"is_admin": False}).get_json()["is_admin"] is False
    assert last_modseq(app, public.room) == before + 2
    refused(public.member.put(member_path(public, public.owner), {"is_admin": False}), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"data": b"[]", "content_type": "application/json"}, 422, "validation_failed"),
        ({"data": b"{", "content_type": "application/json"}, 400, "malformed_json"),
        ({"data": b"{}", "content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"json": {"is_admin": 1}}, 422, "validation_failed"),
        ({"json": {"is_banned": True}}, 422, "validation_failed"),
    ],
)
def test_the_body_of_put_is_validated_if_there_is_one(
    public: Cast, body: dict[str, Any], status: int, code: str
) -> None:
    refused(public.admin.put(member_path(public, public.stranger), **body), status, code)


def test_accounts_that_cannot_sign_in_are_not_added(make: Factory, public: Cast) -> None:
    for user in (make.user(is_active=False), make.user(is_active=False, deleted_at=utcnow())):
        refused(public.admin.put(f"{public.path}/members/{user.id}"), 404, "not_found")


def test_a_banned_user_can_neither_join_nor_be_added(public: Cast) -> None:
    path = member_path(public, public.banned)
    refused(public.banned.post(f"{public.path}/join"), 403, "banned")
    refused(public.admin.put(path), 409, "user_banned")
    refused(public.admin.patch(path, {"is_admin": True, "is_banned": False}), 404, "not_found")
    assert public.admin.patch(path, {"is_banned": False}).get_json()["is_banned"] is False
    assert public.banned.post(f"{public.path}/join").status_code == 200


def test_a_ban_ends_the_membership_and_can_be_repeated(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    for _ in range(2):
        member = public.owner.patch(member_path(public, public.admin), {"is_banned": True}).get_json()
        assert (member["is_banned"], member["is_admin"]) == (True, False)
    assert last_modseq(app, public.room) == before + 1
    assert user_id(public.admin) not in inboxes(app, public.room)
    assert "is_admin" not in public.admin.get(public.path).get_json()
    for _ in range(2):
        assert public.owner.patch(member_path(public, public.admin), {"is_banned": False}).status_code == 200
    assert last_modseq(app, public.room) == before + 1  # it changed nothing that other users may see
    assert "is_admin" not in public.admin.get(public.path).get_json()


def test_users_who_are_not_members_can_be_banned(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    for client in (public.stranger, public.left):
        assert public.admin.patch(member_path(public, client), {"is_banned": True}).get_json()["is_banned"] is True
        refused(client.post(f"{public.path}/join"), 403, "banned")
    assert last_modseq(app, public.room) == before  # only admins may know of it
    assert public.owner.get(public.path).get_json()["member_count"] == 3


def test_a_change_of_a_member_affects_only_the_given_fields(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    path = member_path(public, public.member)
    assert public.admin.patch(path, {}).get_json()["is_admin"] is False
    assert public.admin.patch(path, {"is_admin": False, "is_banned": False}).status_code == 200
    assert last_modseq(app, public.room) == before
    assert public.admin.patch(path, {"is_admin": True}).get_json()["is_admin"] is True
    assert last_modseq(app, public.room) == before + 1
    assert public.member.get(public.path).get_json()["is_admin"] is True


def test_only_members_are_made_admins(public: Cast) -> None:
    for client in (public.stranger, public.left, public.banned):
        refused(public.admin.patch(member_path(public, client), {"is_admin": True}), 404, "not_found")
    for client in (public.stranger, public.left):
        refused(public.admin.patch(member_path(public, client), {}), 404, "not_found")
    refused(public.admin.patch(member_path(public, public.stranger), {"is_banned": False}), 404, "not_found")


@pytest.mark.parametrize(
    "body", [{"is_admin": True, "is_banned": True}, {"is_admin": None}, {"is_owner": True}, {"is_banned": 0}]
)
def test_an_invalid_change_is_422(public: Cast, body: dict[str, Any]) -> None:
    refused(public.admin.patch(member_path(public, public.member), body), 422, "validation_failed")


def test_the_owner_cannot_be_demoted_banned_or_removed(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    path = member_path(public, public.owner)
    for client in (public.admin, public.owner):
        refused(client.patch(path, {"is_admin": False}), 403, "forbidden")
        refused(client.patch(path, {"is_banned": True}), 403, "forbidden")
        assert client.patch(path, {"is_admin": True}).status_code == 200
    refused(public.admin.delete(path), 403, "forbidden")
    assert last_modseq(app, public.room) == before


def test_an_owner_who_is_not_an_admin_can_be_made_one(app: Flask, public: Cast) -> None:
    """Imported rooms may have such an owner."""
    with app.app_context():
        own = RoomMembership.user_id == user_id(public.owner)
        db.session.execute(update(RoomMembership).where(own).values(is_admin=False))
        db.session.commit()
    refused(public.owner.patch(public.path, {"name": "x"}), 403, "forbidden")
    assert public.admin.patch(member_path(public, public.owner), {"is_admin": True}).get_json()["is_admin"] is True


def test_an_admin_removes_a_member(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    assert public.admin.delete(member_path(public, public.member)).status_code == 204
    assert last_modseq(app, public.room) == before + 1
    assert user_id(public.member) not in inboxes(app, public.room)
    for client in (public.member, public.left, public.stranger, public.banned):
        refused(public.admin.delete(member_path(public, client)), 404, "not_found")
    assert public.member.post(f"{public.path}/join").status_code == 200


def test_the_new_owner_is_an_admin_and_the_old_one_stays(app: Flask, public: Cast) -> None:
    before = last_modseq(app, public.room)
    room = public.owner.post(f"{public.path}/transfer", {"user_id": user_id(public.member)}).get_json()
    assert (room["owner_id"], room["is_admin"]) == (user_id(public.member), True)
    assert public.member.get(public.path).get_json()["is_admin"] is True
    assert last_modseq(app, public.room) == before + 1
    refused(public.owner.delete(public.path), 403, "forbidden")
    assert public.member.post(f"{public.path}/transfer", {"user_id": user_id(public.admin)}).status_code == 200
    assert last_modseq(app, public.room) == before + 1  # they were an admin already, so no membership changed
    assert public.admin.post(f"{public.path}/transfer", {"user_id": user_id(public.admin)}).status_code == 200


def test_members_are_told_of_a_new_owner(app: Flask, public: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    events = published(app, monkeypatch)
    room = public.owner.post(f"{public.path}/transfer", {"user_id": user_id(public.member)}).get_json()
    assert room["owner_id"] == user_id(public.member)
    told = [(event.type, event.conversation_id, event.author_id) for event in events]
    name = room["conversation_id"]
    assert told == [("member.updated", name, user_id(public.member)), ("control.room_updated", name, None)]


def test_a_room_is_transferred_only_to_a_member(app: Flask, make: Factory, public: Cast) -> None:
    for client in (public.stranger, public.left, public.banned):
        refused(public.owner.post(f"{public.path}/transfer", {"user_id": user_id(client)}), 404, "not_found")
    refused(public.owner.post(f"{public.path}/transfer", {"user_id": 2**63 - 1}), 404, "not_found")
    for value in (0, 2**63, "1", True, 1.0, None):
        refused(public.owner.post(f"{public.path}/transfer", {"user_id": value}), 422, "validation_failed")
    refused(public.owner.post(f"{public.path}/transfer", {}), 422, "validation_failed")
    with app.app_context():
        member = db.session.merge(public.member.user)  # type: ignore[attr-defined]
        member.is_active = False
        db.session.commit()
    refused(public.owner.post(f"{public.path}/transfer", {"user_id": user_id(public.member)}), 404, "not_found")
