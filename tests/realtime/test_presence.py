"""Who is online, told at once to those who only now come to share a conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from backend.security.hashing import hash_password
from tests.factories import Factory
from tests.queries import count_queries
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment
from tests.realtime.parts import Recorder, make_server, register

Meet = Callable[[Api, Api, Frame], object]


def _join(owner: Api, other: Api, room: Frame) -> None:
    other("POST", f"/api/rooms/{room['id']}/join")


def _add(owner: Api, other: Api, room: Frame) -> None:
    owner("PUT", f"/api/rooms/{room['id']}/members/{other.id}")


def _invite(owner: Api, other: Api, room: Frame) -> None:
    invite = owner("POST", f"/api/rooms/{room['id']}/invites", {})
    other("POST", "/api/rooms/join", {"code": invite["code"]})


def _write_to(owner: Api, other: Api, room: Frame) -> None:
    owner.send("hello", recipient_id=other.id)


def presences(client: LiveClient) -> list[Frame]:
    return [frame for frame in client.events if frame["type"] == "presence"]


def online(user: Api) -> Frame:
    return {"type": "presence", "user_id": user.id, "status": "online", "last_seen_at": None}


@pytest.mark.parametrize("meet", [_join, _add, _invite, _write_to])
def test_who_comes_to_share_a_conversation_hears_of_each_other_at_once(deployment: Deployment, meet: Meet) -> None:
    one, other, stranger = deployment.user(), deployment.user(), deployment.user()
    room = one.room()
    ones, others = deployment.on_each_worker(one), deployment.on_each_worker(other)
    with stranger.live() as apart:
        for client in (*ones, *others):
            client.drain(0.3)  # every worker has heard by then that they came
            assert presences(client) == []
        meet(one, other, room)
        for client in ones:
            client.expect("presence", timeout=2, user_id=other.id)
        for client in others:
            client.expect("presence", timeout=2, user_id=one.id)
        for client in ones:
            client.drain()
            assert presences(client) == [online(other)]
        for client in others:
            client.drain()
            assert presences(client) == [online(one)]
        apart.sync()
        assert presences(apart) == []


def test_who_knew_each_other_before_hears_nothing_new(deployment: Deployment) -> None:
    one, other = deployment.user(), deployment.user()
    one.send("hello", recipient_id=other.id)
    room = one.room()
    with one.live() as here, other.live() as there:
        here.expect("presence", user_id=other.id)
        for client in (here, there):
            client.drain(0.4)
        told = [presences(here), presences(there)]
        _add(one, other, room)
        there.expect("room.created")
        for client in (here, there):
            client.drain(0.4)
        assert [presences(here), presences(there)] == told


def test_who_joins_hears_of_those_alone_who_are_online(deployment: Deployment) -> None:
    owner, present, joiner = deployment.user(), deployment.user(), deployment.user()
    room = owner.room(present)
    with present.live() as here, joiner.live() as client:
        here.drain(0.3)  # it is no news any more that they came
        joiner("POST", f"/api/rooms/{room['id']}/join")
        client.expect("presence", timeout=2, user_id=present.id)
        here.expect("presence", timeout=2, user_id=joiner.id)
        client.drain()
        assert presences(client) == [online(present)]


def test_who_moves_to_another_worker_stays_online(deployment: Deployment) -> None:
    watcher, mover = deployment.user(), deployment.user()
    watcher.room(mover)
    watching = deployment.on_each_worker(watcher)
    moving = mover.live("tab")
    for client in watching:
        client.expect("presence", user_id=mover.id, status="online")
    for _ in range(12):
        last, moving = moving, mover.live("tab")  # on the other worker, every other time or so
        assert last.closed() == 4409
        watching[0].drain(0.1)
    for client in watching:
        client.drain(1.2)
        assert [frame["status"] for frame in presences(client)] == ["online"]


class Here:
    """A worker with one connection of each user."""

    def __init__(self, app: Flask, user_ids: list[int]):
        hub = make_server(app).hub
        self.introductions = hub.presence.introductions
        self.recorders = {user_id: Recorder(user_id) for user_id in user_ids}
        register(hub, *self.recorders.values())

    def told(self, user_id: int) -> int:
        """How many presence events the only socket of a user got."""
        return b"".join(self.recorders[user_id].written).count(b'"presence"')


def test_a_large_room_costs_no_more_questions_and_each_member_one_event(app: Flask, make: Factory) -> None:
    owner, joiner = make.client(), make.client()
    clients = [make.client() for _ in range(30)]
    counts = []
    for size in (2, 30):
        room = make.room(owner, "room", *clients[:size])
        joiner.post(f"/api/rooms/{room['id']}/join")
        members = [client.user.id for client in clients[:size]]  # type: ignore[attr-defined]
        joined: int = joiner.user.id  # type: ignore[attr-defined]
        here = Here(app, [*members, joined])
        here.introductions.user_joined(joined, room["conversation_id"])
        newcomer: Any = here.recorders[joined]
        here.introductions.connection_subscribed(newcomer, room["conversation_id"])
        with count_queries(app) as queries:
            here.introductions.send({*members, joined})
        counts.append(len(queries))
        assert [here.told(user_id) for user_id in members] == [1] * size
        assert here.told(joined) == size
        assert len(newcomer.written) == 1
        with count_queries(app) as queries:
            here.introductions.send({*members, joined})
        assert queries == []
        joiner.post(f"/api/rooms/{room['id']}/leave")
    assert counts == [3, 3]


class Visit:
    """A user who came into the room of another, as one worker sees it."""

    def __init__(self, app: Flask, make: Factory):
        owner, self.joiner = make.client(), make.client()
        self.room = make.room(owner, "room")
        self.ids: list[int] = [client.user.id for client in (owner, self.joiner)]  # type: ignore[attr-defined]
        self.here = Here(app, self.ids)
        self.joiner.post(f"/api/rooms/{self.room['id']}/join")
        self.tell_of_it()

    def tell_of_it(self) -> None:
        """What the hub says of it."""
        self.here.introductions.user_joined(self.ids[1], self.room["conversation_id"])


def test_the_erased_go_offline_for_those_who_knew_them(deployment: Deployment) -> None:
    erased, in_room, in_direct, stranger = (
        deployment.user(hashed_password=hash_password("password1")) for _ in range(4)
    )
    erased.room(in_room)
    erased.send("hello", recipient_id=in_direct.id)
    with erased.live() as own, in_room.live() as one, in_direct.live() as two, stranger.live() as apart:
        erased("DELETE", "/api/users/me", {"password": "password1"}, status=204)
        assert own.closed() == 4401
        for client in (one, two):
            assert client.expect("presence", user_id=erased.id, status="offline")["last_seen_at"] is None
        assert [frame for frame in apart.sync() if frame["type"] == "presence"] == []


def test_who_went_before_it_was_told_is_not_told_of(app: Flask, make: Factory) -> None:
    visit = Visit(app, make)
    visit.here.introductions.send({visit.ids[0]})  # gone offline meanwhile
    visit.tell_of_it()
    visit.joiner.post(f"/api/rooms/{visit.room['id']}/leave")
    visit.here.introductions.send(set(visit.ids))
    assert visit.here.told(visit.ids[0]) == 0


def test_what_a_fault_of_the_database_stopped_is_told_after_it(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = Visit(app, make)
    with monkeypatch.context() as fault:
        fault.setattr("backend.realtime.presence.introductions.db", None)
        with pytest.raises(AttributeError):
            visit.here.introductions.send(set(visit.ids))
    visit.here.introductions.send(set(visit.ids))
    assert visit.here.told(visit.ids[0]) == 1
