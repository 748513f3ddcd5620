"""Numbers without gaps, and concurrent changes of one room."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from flask import Flask

from tests.client import Client
from tests.factories import Factory
from tests.races import at_once
from tests.rooms.conftest import user_id
from tests.rooms.state import inboxes, last_modseq, memberships


@pytest.mark.parametrize("seed", range(4))
def test_every_change_takes_exactly_one_modseq(app: Flask, make: Factory, seed: int) -> None:
    chance = random.Random(seed)
    people = [make.client() for _ in range(4)]
    room = make.room(people[0])
    path = f"/api/rooms/{room['id']}"

    def act() -> None:
        actor, target = chance.choice(people), user_id(chance.choice(people))
        member = f"{path}/members/{target}"
        kind = chance.randrange(8)
        if kind < 2:
            actor.post(path + ("/join", "/leave")[kind])
        elif kind == 2:
            actor.put(member)
        elif kind == 3:
            actor.delete(member)
        elif kind == 4:
            actor.post(f"{path}/transfer", {"user_id": target})
        else:
            actor.patch(member, {chance.choice(["is_admin", "is_banned"]): chance.random() < 0.6})

    before, head = memberships(app, room), last_modseq(app, room)
    for _ in range(60):
        act()
        after = memberships(app, room)
        changed = [row for user, row in after.items() if state_of(before.get(user)) != state_of(row)]
        assert len(changed) <= 1
        head += len(changed)
        assert last_modseq(app, room) == head
        assert [row.modseq for row in changed] == [head] * len(changed)
        assert set(inboxes(app, room)) == {user for user, row in after.items() if row.left_at is None}
        assert all(row.left_at for row in after.values() if row.is_banned)
        before = after


def state_of(row: object) -> list[object]:
    return [getattr(row, name, None) for name in ("is_admin", "is_banned", "joined_at", "left_at")]


def test_fifty_concurrent_joins_make_one_membership(app: Flask, make: Factory) -> None:
    room, joiner = make.room(make.client()), make.client()
    path = f"/api/rooms/{room['id']}/join"
    clients = [Client(app, joiner.token) for _ in range(50)]
    answers = at_once([lambda c=c: c.post(path).status_code for c in clients])  # type: ignore[misc]
    assert Counter(answers) == {200: 50}
    assert memberships(app, room)[user_id(joiner)].modseq == 2
    assert last_modseq(app, room) == 2


def test_concurrent_joiners_get_a_modseq_each(app: Flask, make: Factory) -> None:
    owner, joiners = make.client(), [make.client() for _ in range(20)]
    room = make.room(owner)
    answers = at_once([lambda c=c: c.post(f"/api/rooms/{room['id']}/join").status_code for c in joiners])  # type: ignore[misc]
    assert Counter(answers) == {200: 20}
    assert sorted(row.modseq for row in memberships(app, room).values()) == list(range(1, 22))
    assert owner.get(f"/api/rooms/{room['id']}").get_json()["member_count"] == 21


def test_a_concurrent_ban_and_join_leave_no_member(app: Flask, make: Factory) -> None:
    owner = make.client()
    room = make.room(owner)
    path, ban = f"/api/rooms/{room['id']}", {"is_banned": True}
    for _ in range(8):
        joiner = make.client()
        banned, joined = at_once(
            [
                lambda j=joiner: owner.patch(f"{path}/members/{user_id(j)}", ban).status_code,  # type: ignore[misc]
                lambda j=joiner: j.post(f"{path}/join").status_code,  # type: ignore[misc]
            ]
        )
        assert banned == 200
        assert joined in (200, 403)
        row = memberships(app, room)[user_id(joiner)]
        assert row.is_banned
        assert row.left_at is not None
        assert user_id(joiner) not in inboxes(app, room)
    rows = memberships(app, room).values()
    assert max(row.modseq for row in rows) == last_modseq(app, room)


def test_a_concurrent_transfer_and_departure_keep_the_owner_a_member(app: Flask, make: Factory) -> None:
    for _ in range(8):
        owner, successor = make.client(), make.client()
        room = make.room(owner, "room", successor)
        path = f"/api/rooms/{room['id']}"
        handed, left = at_once(
            [
                lambda o=owner, s=successor, p=path: o.post(f"{p}/transfer", {"user_id": user_id(s)}).status_code,  # type: ignore[misc]
                lambda s=successor, p=path: s.post(f"{p}/leave").status_code,  # type: ignore[misc]
            ]
        )
        assert (handed, left) in {(200, 409), (404, 204)}
        rows = memberships(app, room)
        holder = owner.get(path).get_json()["owner_id"]
        assert rows[holder].left_at is None
        assert rows[holder].is_admin


def test_a_deletion_and_concurrent_joins_leave_no_member(app: Flask, make: Factory) -> None:
    owner, joiners = make.client(), [make.client() for _ in range(8)]
    room = make.room(owner)
    path = f"/api/rooms/{room['id']}"
    calls = [lambda c=c: c.post(f"{path}/join").status_code for c in joiners]  # type: ignore[misc]
    deleted, *joined = at_once([lambda: owner.delete(path).status_code, *calls])
    assert deleted == 204
    assert set(joined) <= {200, 404}
    assert all(row.left_at for row in memberships(app, room).values())
    assert inboxes(app, room) == {}


def test_the_last_two_members_leave_concurrently(app: Flask, make: Factory) -> None:
    owner, guest = make.client(), make.client()
    room = make.room(owner, "room", guest)
    path = f"/api/rooms/{room['id']}/leave"
    answers = at_once([lambda: owner.post(path).status_code, lambda: guest.post(path).status_code])
    assert tuple(answers) in {(409, 204), (204, 204)}
    rows = memberships(app, room)
    assert (rows[user_id(owner)].left_at is None) is (answers[0] == 409)
