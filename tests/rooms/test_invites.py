"""Invite links: creation, joining, and validity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from backend.accounts.erasure import erase_user, finish
from backend.models import Conversation, Room, RoomInvite, RoomMembership
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once, hold_row
from tests.rooms.conftest import Cast, user_id
from tests.rooms.state import inboxes, last_modseq

JOIN = "/api/rooms/join"


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def invite(cast: Cast, **body: Any) -> dict[str, Any]:
    response = cast.admin.post(f"{cast.path}/invites", body)
    assert response.status_code == 201, response.json
    found: dict[str, Any] = response.json
    return found


def test_a_user_joins_with_an_invite(app: Flask, private: Cast) -> None:
    made = invite(private, max_uses=2)
    assert made.keys() == {"code", "url", "expires_at", "max_uses", "uses"}
    assert (made["max_uses"], made["uses"]) == (2, 0)
    assert made["url"].endswith(f"/#/join/{made['code']}")
    before = last_modseq(app, private.room)
    joined = private.stranger.post(JOIN, {"code": made["code"]})
    assert joined.status_code == 200
    assert (joined.json["id"], joined.json["is_admin"]) == (private.room["id"], False)
    assert last_modseq(app, private.room) == before + 1
    assert user_id(private.stranger) in inboxes(app, private.room)
    again = private.stranger.post(JOIN, {"code": made["code"]})
    assert again.json == joined.json
    assert [i["uses"] for i in private.owner.get(f"{private.path}/invites").json] == [1]
    assert private.left.post(JOIN, {"code": made["code"]}).status_code == 200
    assert private.owner.get(f"{private.path}/invites").json == []


def test_no_body_is_needed_and_a_week_is_the_default(private: Cast) -> None:
    response = private.admin.post(f"{private.path}/invites")
    assert response.status_code == 201
    assert response.json["max_uses"] is None
    made = invite(private, expires_in=60)
    assert made["expires_at"] < response.json["expires_at"]
    assert (utcnow() + timedelta(days=6)).isoformat() < response.json["expires_at"]
    assert invite(private, expires_in=None)["expires_at"] is None


def test_admins_see_codes_which_the_database_does_not_hold(app: Flask, private: Cast) -> None:
    made = [invite(private) for _ in range(3)]
    listed = private.owner.get(f"{private.path}/invites?limit=2")
    assert [i["code"] for i in listed.json] == [made[2]["code"], made[1]["code"]]
    assert "skip=2" in listed.headers["Link"]
    assert len({i["code"] for i in made}) == 3
    with app.app_context():
        rows = [str(row) for row in db.session.execute(text("SELECT * FROM room_invites"))]
    assert not any(i["code"] in row for i in made for row in rows)


def test_after_a_change_of_the_key_codes_are_valid_and_hidden(app: Flask, private: Cast) -> None:
    from dataclasses import replace

    made, config = invite(private), app.config["CONFAB"]
    app.config["CONFAB"] = replace(config, secret_key="another")
    try:
        (listed,) = private.owner.get(f"{private.path}/invites").json
        assert (listed["code"], listed["url"]) == (None, None)
        assert private.stranger.post(JOIN, {"code": made["code"]}).status_code == 200
    finally:
        app.config["CONFAB"] = config


@pytest.mark.parametrize(("who", "expected"), [("member", 403), ("stranger", 404), ("banned", 404), ("superuser", 404)])
def test_invites_are_for_admins(private: Cast, who: str, expected: int) -> None:
    made, client = invite(private), getattr(private, who)
    path = f"{private.path}/invites"
    answers = (client.get(path), client.post(path, {}), client.delete(f"{path}/{made['code']}"))
    assert [a.status_code for a in answers] == [expected] * 3


def test_invalid_codes_are_404(app: Flask, private: Cast) -> None:
    made = invite(private)
    assert private.owner.delete(f"{private.path}/invites/{made['code']}").status_code == 204
    assert code(private.owner.delete(f"{private.path}/invites/{made['code']}")) == (404, "not_found")
    expired, spent = invite(private), invite(private, max_uses=1)
    with app.app_context():
        last = db.session.scalars(select(RoomInvite).order_by(RoomInvite.id)).all()[1]
        db.session.execute(db.update(RoomInvite).where(RoomInvite.id == last.id).values(expires_at=utcnow()))
        db.session.commit()
    assert private.left.post(JOIN, {"code": spent["code"]}).status_code == 200
    for dead in (made, expired, spent):
        for client in (private.stranger, private.member):
            assert code(client.post(JOIN, {"code": dead["code"]})) == (404, "not_found")
    assert code(private.stranger.post(JOIN, {"code": "unknown"})) == (404, "not_found")


def test_an_invite_is_invalid_after_its_room_is_deleted(app: Flask, private: Cast) -> None:
    made = invite(private)
    assert private.owner.delete(private.path).status_code == 204
    assert code(private.stranger.post(JOIN, {"code": made["code"]})) == (404, "not_found")
    assert code(private.owner.post(f"{private.path}/invites")) == (404, "not_found")


def test_an_invite_is_invalid_when_its_creator_is_not_an_admin(app: Flask, private: Cast) -> None:
    member = f"{private.path}/members/{user_id(private.admin)}"
    ends = [
        lambda: private.owner.patch(member, {"is_admin": False}),
        lambda: private.owner.delete(member),
        lambda: private.admin.post(f"{private.path}/leave"),
        lambda: private.owner.patch(member, {"is_banned": True}),
        lambda: private.superuser.patch(f"/api/users/{user_id(private.admin)}", {"is_active": False}),
    ]
    for end in ends:
        made = invite(private)
        assert end().status_code in (200, 204)
        assert code(private.stranger.post(JOIN, {"code": made["code"]})) == (404, "not_found")
        assert private.owner.get(f"{private.path}/invites").json == []
        _reinstate(app, private)
        assert private.owner.put(member, {"is_admin": True}).status_code in (200, 404)
        if end is not ends[-1]:
            assert code(private.stranger.post(JOIN, {"code": made["code"]})) == (404, "not_found")


def _reinstate(app: Flask, cast: Cast) -> None:
    """Remove the ban and the wait after leaving, so that the admin can be added again."""
    with app.app_context():
        own = RoomMembership.user_id == user_id(cast.admin)
        db.session.execute(db.update(RoomMembership).where(own).values(is_banned=False, left_by_self=None))
        db.session.commit()


def test_an_invite_is_invalid_after_its_creator_is_erased(app: Flask, private: Cast) -> None:
    made = invite(private)
    with app.app_context():
        erase_user(None, user_id(private.admin))
        finish(user_id(private.admin))
    assert code(private.stranger.post(JOIN, {"code": made["code"]})) == (404, "not_found")
    assert private.owner.get(f"{private.path}/invites").json == []


def test_a_removed_user_cannot_join_with_an_invite(private: Cast) -> None:
    made, member = invite(private), f"{private.path}/members/{user_id(private.member)}"
    assert private.admin.delete(member).status_code == 204
    answer = private.member.post(JOIN, {"code": made["code"]})
    assert code(answer) == (404, "not_found")
    assert "Ask an admin" in answer.json["detail"]
    assert answer.json["detail"] == private.stranger.post(JOIN, {"code": "unknown"}).json["detail"]
    assert private.member.get(private.path).status_code == 404
    assert [i["uses"] for i in private.owner.get(f"{private.path}/invites").json] == [0]
    assert private.admin.put(member).status_code == 200
    assert private.member.post(JOIN, {"code": made["code"]}).status_code == 200


def test_invites_work_after_a_ban_is_lifted(private: Cast) -> None:
    made, member = invite(private), f"{private.path}/members/{user_id(private.member)}"
    assert private.admin.patch(member, {"is_banned": True}).status_code == 200
    assert code(private.member.post(JOIN, {"code": made["code"]})) == (403, "banned")
    assert private.admin.patch(member, {"is_banned": False}).status_code == 200
    assert private.member.post(JOIN, {"code": made["code"]}).status_code == 200


def test_an_invite_of_another_room_is_not_revoked(private: Cast, public: Cast) -> None:
    made = invite(private)
    assert code(public.admin.delete(f"{public.path}/invites/{made['code']}")) == (404, "not_found")
    assert private.stranger.post(JOIN, {"code": made["code"]}).status_code == 200


def test_banned_users_cannot_join(app: Flask, private: Cast) -> None:
    made = invite(private)
    assert code(private.banned.post(JOIN, {"code": made["code"]})) == (403, "banned")
    assert [i["uses"] for i in private.owner.get(f"{private.path}/invites").json] == [0]


@pytest.mark.parametrize(
    "body",
    [
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": 366 * 86_400},
        {"expires_in": "60"},
        {"expires_in": 1.5},
        {"max_uses": 0},
        {"max_uses": True},
        {"max_uses": 10**6},
        {"code": "mine"},
        {"uses": 5},
    ],
)
def test_invalid_invites_are_refused(private: Cast, body: dict[str, Any]) -> None:
    assert code(private.admin.post(f"{private.path}/invites", body)) == (422, "validation_failed")


@pytest.mark.parametrize("value", ["", "x" * 101, None, 1, "\0", "\ud800"])
def test_codes_that_are_not_valid_text(make: Factory, value: Any) -> None:
    assert code(make.client().post(JOIN, {"code": value})) == (422, "validation_failed")


def test_the_number_of_invites_is_limited(private: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.rooms.invites.MAX_INVITES", 2)
    first = invite(private)
    invite(private)
    assert code(private.admin.post(f"{private.path}/invites")) == (409, "too_many_invites")
    private.admin.delete(f"{private.path}/invites/{first['code']}")
    invite(private)


def test_concurrent_invites_do_not_exceed_the_limit(app: Flask, private: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.rooms.invites.MAX_INVITES", 1)
    with hold_row(app, Conversation, id=private.room["conversation_id"]) as held:
        calls = [Client(app, private.admin.token) for _ in range(2)]
        answers = [held.start(lambda c=c: c.post(f"{private.path}/invites")) for c in calls]
        held.wait_until_blocked(2)
    assert sorted(answer.result().status_code for answer in answers) == [201, 409]


def test_ten_of_fifty_users_join_with_an_invite_for_ten(app: Flask, private: Cast, make: Factory) -> None:
    made = invite(private, max_uses=10)
    clients = [make.client() for _ in range(50)]
    answers = at_once([lambda c=c: c.post(JOIN, {"code": made["code"]}) for c in clients])
    assert sorted(a.status_code for a in answers) == [200] * 10 + [404] * 40
    with app.app_context():
        joined = db.session.scalars(
            select(RoomMembership.user_id).where(
                RoomMembership.user_id.in_([user_id(c) for c in clients]), RoomMembership.left_at.is_(None)
            )
        ).all()
        assert len(joined) == 10
        assert db.session.scalar(select(RoomInvite.uses)) == 10


def test_concurrent_joins_of_one_user_count_once(app: Flask, private: Cast) -> None:
    made = invite(private, max_uses=5)
    calls = [lambda: Client(app, private.stranger.token).post(JOIN, {"code": made["code"]}) for _ in range(10)]
    assert {a.status_code for a in at_once(calls)} == {200}
    with app.app_context():
        assert db.session.scalar(select(RoomInvite.uses)) == 1


def test_an_invite_is_revoked_while_users_join(app: Flask, private: Cast, make: Factory) -> None:
    made = invite(private)
    clients = [make.client() for _ in range(15)]
    calls: list[Any] = [lambda c=c: c.post(JOIN, {"code": made["code"]}) for c in clients]
    calls.append(lambda: private.owner.delete(f"{private.path}/invites/{made['code']}"))
    *joins, revoked = at_once(calls)
    assert revoked.status_code == 204
    assert {a.status_code for a in joins} <= {200, 404}
    with app.app_context():
        assert db.session.scalar(select(RoomInvite.uses)) == [a.status_code for a in joins].count(200)
        assert db.session.scalar(select(Room.deleted_at)) is None
