"""Limits on what admins and owners may do to other users."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, update

from backend.models import Block, Room, RoomMembership, User
from backend.models.base import db, utcnow
from backend.rate_limiting.limits import RateLimit
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once, hold_row
from tests.rooms.conftest import Cast, user_id
from tests.rooms.state import last_modseq, memberships


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def member_path(cast: Cast, client: Client) -> str:
    return f"{cast.path}/members/{user_id(client)}"


def own_rooms(app: Flask, client: Client, number: int) -> None:
    """Add *number* rooms that *client* owns."""
    rows = [{"name": f"room {n}", "owner_id": user_id(client)} for n in range(number)]
    with app.app_context():
        db.session.execute(insert(Room), rows)
        db.session.commit()


def owned(app: Flask, client: Client) -> int:
    with app.app_context():
        lasting = (Room.owner_id == user_id(client), Room.deleted_at.is_(None))
        return db.session.scalar(select(func.count()).select_from(Room).where(*lasting)) or 0


def left_since(app: Flask, client: Client, ago: timedelta) -> None:
    """Set the time at which *client* left to *ago*."""
    with app.app_context():
        own = RoomMembership.user_id == user_id(client)
        db.session.execute(update(RoomMembership).where(own).values(left_at=utcnow() - ago))
        db.session.commit()


def test_a_user_is_not_added_by_someone_whom_they_block(app: Flask, private: Cast) -> None:
    before = last_modseq(app, private.room)
    assert private.stranger.put(f"/api/users/me/blocks/{user_id(private.admin)}").status_code == 204
    path = member_path(private, private.stranger)
    assert code(private.admin.put(path)) == (403, "blocked")
    assert code(private.admin.put(path, {"is_admin": True})) == (403, "blocked")
    assert last_modseq(app, private.room) == before
    assert user_id(private.stranger) not in memberships(app, private.room)
    assert private.owner.put(path).status_code == 200  # another admin, whom they do not block
    assert private.admin.put(path, {"is_admin": True}).status_code == 200  # they are a member already
    assert private.owner.delete(path).status_code == 204
    assert code(private.admin.put(path)) == (403, "blocked")
    assert private.stranger.delete(f"/api/users/me/blocks/{user_id(private.admin)}").status_code == 204
    assert private.admin.put(path).status_code == 200


@pytest.mark.parametrize("call", ["add", "transfer"])
def test_a_block_at_the_same_moment_is_respected(app: Flask, private: Cast, call: str) -> None:
    """The change waits for the block. It does not decide by what it read before."""
    actor, other = (private.admin, private.stranger) if call == "add" else (private.owner, private.member)
    with hold_row(app, User, id=user_id(other)) as blocking:
        if call == "add":
            answer = blocking.start(lambda: actor.put(member_path(private, other)))
        else:
            answer = blocking.start(lambda: actor.post(f"{private.path}/transfer", {"user_id": user_id(other)}))
        blocking.wait_until_blocked()
        blocking.execute(insert(Block).values(user_id=user_id(other), blocked_id=user_id(actor)))
    assert code(answer.result()) == (403, "blocked")


def test_an_admin_adds_a_user_whom_they_block(private: Cast) -> None:
    """A block protects who made it, and nobody from them."""
    assert private.admin.put(f"/api/users/me/blocks/{user_id(private.stranger)}").status_code == 204
    assert private.admin.put(member_path(private, private.stranger)).status_code == 200


def test_a_user_who_blocks_the_admin_can_join(private: Cast, public: Cast) -> None:
    for cast in (private, public):
        assert cast.stranger.put(f"/api/users/me/blocks/{user_id(cast.admin)}").status_code == 204
    invite = private.admin.post(f"{private.path}/invites").json
    assert private.stranger.post("/api/rooms/join", {"code": invite["code"]}).status_code == 200
    assert public.stranger.post(f"{public.path}/join").status_code == 200


def test_blocks_apply_to_superusers_too(make: Factory, private: Cast) -> None:
    room = make.room(private.superuser, "theirs", is_public=False)
    assert private.stranger.put(f"/api/users/me/blocks/{user_id(private.superuser)}").status_code == 204
    answer = private.superuser.put(f"/api/rooms/{room['id']}/members/{user_id(private.stranger)}")
    assert code(answer) == (403, "blocked")


def test_a_user_who_left_is_not_added_for_a_day(app: Flask, private: Cast) -> None:
    path = member_path(private, private.member)
    assert private.member.delete(path).status_code == 204  # this leaves the room, too
    for client in (private.admin, private.owner):
        assert code(client.put(path)) == (403, "left")
    left_since(app, private.member, timedelta(hours=23, minutes=59))
    assert code(private.admin.put(path)) == (403, "left")
    left_since(app, private.member, timedelta(hours=24))
    assert private.admin.put(path).status_code == 200


def test_a_ban_and_its_end_do_not_shorten_the_wait(private: Cast) -> None:
    path = member_path(private, private.left)
    assert private.admin.patch(path, {"is_banned": True}).status_code == 200
    assert private.admin.patch(path, {"is_banned": False}).status_code == 200
    assert code(private.admin.put(path)) == (403, "left")


def test_a_removed_user_can_be_added_at_once(private: Cast) -> None:
    path = member_path(private, private.member)
    assert private.admin.delete(path).status_code == 204
    assert private.admin.put(path).status_code == 200


@pytest.mark.parametrize("way", ["join", "invite"])
def test_joining_ends_the_wait(public: Cast, way: str) -> None:
    path, left = member_path(public, public.left), public.left
    if way == "join":
        assert left.post(f"{public.path}/join").status_code == 200
    else:
        invite = public.admin.post(f"{public.path}/invites").json
        assert left.post("/api/rooms/join", {"code": invite["code"]}).status_code == 200
    assert public.admin.put(path, {"is_admin": True}).status_code == 200
    assert public.admin.delete(path).status_code == 204
    assert public.admin.put(path).status_code == 200


def test_a_user_owns_at_most_200_rooms(app: Flask, make: Factory) -> None:
    ann = make.client()
    own_rooms(app, ann, 199)
    last = ann.post("/api/rooms", {"name": "the last"})
    assert last.status_code == 201
    answer = ann.post("/api/rooms", {"name": "one more"})
    assert code(answer) == (409, "too_many_rooms")
    assert "Delete one" in answer.json["detail"]
    assert ann.delete(f"/api/rooms/{last.json['id']}").status_code == 204
    assert ann.post("/api/rooms", {"name": "instead"}).status_code == 201


def test_concurrent_creations_do_not_exceed_the_limit(app: Flask, make: Factory) -> None:
    ann = make.client()
    own_rooms(app, ann, 197)
    answers = at_once([lambda: Client(app, ann.token).post("/api/rooms", {"name": "x"}) for _ in range(10)])
    assert sorted(a.status_code for a in answers) == [201] * 3 + [409] * 7
    assert owned(app, ann) == 200


def test_a_transfer_does_not_exceed_the_limit(app: Flask, public: Cast) -> None:
    own_rooms(app, public.member, 200)
    body = {"user_id": user_id(public.member)}
    answer = public.owner.post(f"{public.path}/transfer", body)
    assert code(answer) == (409, "too_many_rooms")
    assert "another member" in answer.json["detail"]
    assert public.owner.get(public.path).json["owner_id"] == user_id(public.owner)
    own_rooms(app, public.owner, 199)
    assert public.owner.post(f"{public.path}/transfer", {"user_id": user_id(public.owner)}).status_code == 200


def test_a_room_is_not_transferred_to_a_user_who_blocks_the_owner(public: Cast) -> None:
    assert public.member.put(f"/api/users/me/blocks/{user_id(public.owner)}").status_code == 204
    answer = public.owner.post(f"{public.path}/transfer", {"user_id": user_id(public.member)})
    assert code(answer) == (403, "blocked")
    assert public.owner.get(public.path).json["owner_id"] == user_id(public.owner)


def test_thirty_rooms_an_hour(limited_app: Flask, make: Factory) -> None:
    ann, bob = (Client(limited_app, make.client().token) for _ in range(2))
    answers = [ann.post("/api/rooms", {"name": "x"}) for _ in range(31)]
    assert [a.status_code for a in answers] == [201] * 30 + [429]
    assert code(answers[-1]) == (429, "rate_limited")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert bob.post("/api/rooms", {"name": "x"}).status_code == 201


def test_one_user_adds_another_to_a_limited_number_of_rooms(limited_app: Flask, make: Factory) -> None:
    victim, others = make.user(), [make.client() for _ in range(2)]
    path = f"members/{victim.id}"
    for client in others:
        rooms = [make.room(client)["id"] for _ in range(21)]
        caller = Client(limited_app, client.token)
        answers = [caller.put(f"/api/rooms/{room}/{path}") for room in rooms]
        assert [a.status_code for a in answers] == [200] * 20 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        again = caller.put(f"/api/rooms/{rooms[0]}/{path}", {"is_admin": True})
        assert again.status_code == 200  # they are a member, so nobody is added


def test_a_user_is_added_to_a_limited_number_of_rooms_by_all_together(
    limited_app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.rooms.consent.ADDED", RateLimit("added-member", "3 per hour"))
    victim, clients = make.user(), [make.client() for _ in range(4)]
    callers = [(Client(limited_app, c.token), make.room(c)["id"]) for c in clients]
    answers = [caller.put(f"/api/rooms/{room}/members/{victim.id}") for caller, room in callers]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("backend.rooms.routes.ADD", lambda c, path, other: c.put(f"{path}/members/{other}")),
        ("backend.rooms.routes.TRANSFER", lambda c, path, other: c.post(f"{path}/transfer", {"user_id": other})),
        ("backend.rooms.routes_invites.INVITE", lambda c, path, other: c.post(f"{path}/invites")),
    ],
)
def test_actions_on_other_users_are_rate_limited(
    limited_app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, name: str, call: Any
) -> None:
    monkeypatch.setattr(name, RateLimit("this", "2 per hour"))
    owner = make.client()
    path = f"/api/rooms/{make.room(owner)['id']}"
    caller = Client(limited_app, owner.token)
    assert [call(caller, path, user_id(owner)).status_code for _ in range(3)][2] == 429


def test_the_limit_of_rooms_applies_without_rate_limits(app: Flask, make: Factory) -> None:
    ann = make.client()
    assert {ann.post("/api/rooms", {"name": "x"}).status_code for _ in range(31)} == {201}
    own_rooms(app, ann, 169)
    assert code(ann.post("/api/rooms", {"name": "x"})) == (409, "too_many_rooms")
