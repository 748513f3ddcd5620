"""Presence of users who have just come to share a conversation: each receives that of the others at once."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import pytest
from flask import Flask

from backend.models import User
from backend.security.hashing import hash_password
from tests.factories import Factory
from tests.queries import count_queries
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment
from tests.realtime.recorder import Recorder, make_server, register
from tests.realtime.sending import presence_events, wait_until_presence_is_sent

Meet = Callable[[Api, Api, Frame], object]


def _join(owner: Api, other: Api, room: Frame) -> None:
    other("POST", f"/api/rooms/{room['id']}/join")


def _add(owner: Api, other: Api, room: Frame) -> None:
    owner("PUT", f"/api/rooms/{room['id']}/members/{other.id}")


def _invite(owner: Api, other: Api, room: Frame) -> None:
    invite = owner("POST", f"/api/rooms/{room['id']}/invites", {})
    other("POST", "/api/rooms/join", {"code": invite["code"]})


def _send_direct_message(owner: Api, other: Api, room: Frame) -> None:
    owner.send("hello", recipient_id=other.id)


def online(user: Api) -> Frame:
    return {"type": "presence", "user_id": user.id, "status": "online", "last_seen_at": None}


def only_online(client: LiveClient) -> list[Frame]:
    """The arrivals that *client* received, without the departures of the friends that a test waited for."""
    return [frame for frame in presence_events(client) if frame["status"] == "online"]


def test_users_who_come_to_share_a_conversation_receive_each_others_presence_at_once(deployment: Deployment) -> None:
    """One user meets others in every way: each of these shares no conversation with the rest."""
    one, stranger = deployment.user(), deployment.user()
    others = {meet: deployment.user() for meet in (_join, _add, _invite, _send_direct_message)}
    rooms = {meet: one.room() for meet in others}
    ones = deployment.on_each_worker(one)
    sockets = {meet: deployment.on_each_worker(other) for meet, other in others.items()}
    everyone = [*ones, *chain.from_iterable(sockets.values())]
    with stranger.live() as apart:
        friend = wait_until_presence_is_sent(deployment, everyone)  # every worker knows that they are online
        before = [online(friend)]
        assert [only_online(client) for client in everyone] == [before] * len(everyone)
        for meet, other in others.items():
            meet(one, other, rooms[meet])
            for client in ones:
                expect_presence_of(client, other, meet)
            for client in sockets[meet]:
                expect_presence_of(client, one, meet)
        after = wait_until_presence_is_sent(deployment, [*everyone, apart])
        for client in ones:
            assert only_online(client) == [*before, *map(online, others.values()), online(after)]
        for meet, clients in sockets.items():
            for client in clients:
                assert only_online(client) == [*before, online(one), online(after)], meet.__name__
        assert presence_events(apart) == [online(after)]


def expect_presence_of(client: LiveClient, user: Api, meet: Meet) -> None:
    """The client receives the presence of *user* soon after their meeting."""
    client.expect_where(
        lambda frame: frame["type"] == "presence" and frame["user_id"] == user.id, f"presence after {meet.__name__}"
    )


def test_users_who_share_another_conversation_receive_nothing_new(deployment: Deployment) -> None:
    one, other = deployment.user(), deployment.user()
    one.send("hello", recipient_id=other.id)
    room = one.room()
    with other.live() as there:
        wait_until_presence_is_sent(deployment, [there])
        with one.live() as here:  # learns from `ready` that the other is online: no presence is sent to it
            there.expect("presence", user_id=one.id)
            wait_until_presence_is_sent(deployment, [here, there])
            before = [presence_events(here, other), presence_events(there, one)]
            _add(one, other, room)
            there.expect("room.created")
            wait_until_presence_is_sent(deployment, [here, there])
            assert [presence_events(here, other), presence_events(there, one)] == before


def test_a_user_who_joins_receives_the_presence_of_the_online_members_alone(deployment: Deployment) -> None:
    owner, present, joiner = deployment.user(), deployment.user(), deployment.user()
    room = owner.room(present)
    with present.live() as here, joiner.live() as client:
        before = wait_until_presence_is_sent(
            deployment, [here, client]
        )  # the worker of each knows that both are online
        joiner("POST", f"/api/rooms/{room['id']}/join")
        client.expect("presence", user_id=present.id)
        here.expect("presence", user_id=joiner.id)
        after = wait_until_presence_is_sent(deployment, [client])
        assert only_online(client) == [online(before), online(present), online(after)]


def test_a_user_who_moves_to_another_worker_stays_online(deployment: Deployment) -> None:
    watcher, mover = deployment.user(), deployment.user()
    watcher.room(mover)
    watching = deployment.on_each_worker(watcher)
    moving = mover.live("tab")
    for client in watching:
        client.expect("presence", user_id=mover.id, status="online")
    for _ in range(12):
        previous, moving = moving, mover.live("tab")  # on the other worker about every second time
        assert previous.close_code() == 4409
        watching[0].sync()
    wait_until_presence_is_sent(deployment, watching)
    for client in watching:
        assert [frame["status"] for frame in presence_events(client, mover)] == ["online"]


class OneWorker:
    """A worker with one connection of each user."""

    def __init__(self, app: Flask, user_ids: list[int]):
        hub = make_server(app).hub
        self.introductions = hub.presence.introductions
        self.recorders = {user_id: Recorder(user_id) for user_id in user_ids}
        register(hub, *self.recorders.values())

    def received(self, user_id: int) -> int:
        """How many presence events the only socket of a user received."""
        return b"".join(self.recorders[user_id].written).count(b'"presence"')


def test_a_large_room_takes_no_more_queries_and_each_member_gets_one_event(app: Flask, make: Factory) -> None:
    owner, joiner = make.client(), make.client()
    clients = [make.client() for _ in range(30)]
    counts = []
    for size in (2, 30):
        room = make.room(owner, "room", *clients[:size])
        joiner.post(f"/api/rooms/{room['id']}/join")
        members = [client.user.id for client in clients[:size]]  # type: ignore[attr-defined]
        joined: int = joiner.user.id  # type: ignore[attr-defined]
        worker = OneWorker(app, [*members, joined])
        worker.introductions.user_joined(joined, room["conversation_id"])
        newcomer: Any = worker.recorders[joined]
        worker.introductions.connection_subscribed(newcomer, room["conversation_id"])
        with count_queries(app) as queries:
            worker.introductions.send({*members, joined})
        counts.append(len(queries))
        assert [worker.received(user_id) for user_id in members] == [1] * size
        assert worker.received(joined) == size
        assert len(newcomer.written) == 1
        with count_queries(app) as queries:
            worker.introductions.send({*members, joined})
        assert queries == []
        joiner.post(f"/api/rooms/{room['id']}/leave")
    assert counts == [3, 3]


class Arrival:
    """A user who joined the room of another, as one worker sees it."""

    def __init__(self, app: Flask, make: Factory, is_announced: bool = True):
        owner, self.joiner = make.client(), make.client()
        self.room = make.room(owner, "room")
        self.ids: list[int] = [client.user.id for client in (owner, self.joiner)]  # type: ignore[attr-defined]
        self.worker = OneWorker(app, self.ids)
        self.joiner.post(f"/api/rooms/{self.room['id']}/join")
        if is_announced:
            self.announce()

    def announce(self) -> None:
        """Report the join to the worker, as the hub does."""
        self.worker.introductions.user_joined(self.ids[1], self.room["conversation_id"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("are_apart", [True, False])
def test_users_who_come_to_share_two_conversations_at_once_receive_each_others_presence_once(
    app: Flask, make: Factory, order: tuple[int, int], are_apart: bool
) -> None:
    """The worker may learn of the two joins in any order, together or one after the other: each once both are committed."""
    owner, joiner = make.client(), make.client()
    names = [make.room(owner, name, joiner)["conversation_id"] for name in ("one", "other")]
    ids: list[int] = [client.user.id for client in (owner, joiner)]  # type: ignore[attr-defined]
    worker = OneWorker(app, ids)
    newcomer: Any = worker.recorders[ids[1]]
    for place in order:
        worker.introductions.user_joined(ids[1], names[place])
        worker.introductions.connection_subscribed(newcomer, names[place])
        if are_apart:
            worker.introductions.send(set(ids))
    worker.introductions.send(set(ids))
    assert [worker.received(user_id) for user_id in ids] == [1, 1]


@pytest.mark.parametrize("is_join_first", [True, False])
def test_a_join_and_a_subscription_that_are_sent_one_after_the_other_show_a_user_once(
    app: Flask, make: Factory, is_join_first: bool
) -> None:
    """The owner made the room while connected, so the worker may subscribe the owner before or after it learns of the join."""
    arrival = Arrival(app, make, is_announced=False)
    owner: Any = arrival.worker.recorders[arrival.ids[0]]
    subscribe = partial(arrival.worker.introductions.connection_subscribed, owner, arrival.room["conversation_id"])
    for report in (arrival.announce, subscribe) if is_join_first else (subscribe, arrival.announce):
        report()
        arrival.worker.introductions.send(set(arrival.ids))
    assert arrival.worker.received(owner.user_id) == 1


def test_a_user_who_left_and_joins_again_is_shown_again(app: Flask, make: Factory) -> None:
    arrival = Arrival(app, make)
    arrival.worker.introductions.send(set(arrival.ids))
    arrival.joiner.post(f"/api/rooms/{arrival.room['id']}/leave")
    arrival.joiner.post(f"/api/rooms/{arrival.room['id']}/join")
    arrival.announce()
    arrival.worker.introductions.send(set(arrival.ids))
    assert arrival.worker.received(arrival.ids[0]) == 2


def test_what_was_sent_is_forgotten_after_a_while(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of the past stays small, however many users join: a repeated report is sent again."""
    arrival = Arrival(app, make)
    arrival.worker.introductions.send(set(arrival.ids))
    monkeypatch.setattr("backend.realtime.presence.introductions.SENT_SECONDS", -1.0)
    arrival.announce()
    arrival.worker.introductions.send(set(arrival.ids))
    assert arrival.worker.received(arrival.ids[0]) == 2


def test_arrivals_are_forgotten_although_nobody_joins(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a worker would keep who was sent each arrival until the next user joins a conversation."""

    class Watching(dict[int, list[int]]):
        """A dictionary that a weak reference can name."""

    introductions, watching = Arrival(app, make).worker.introductions, Watching()
    kept = weakref.ref(watching)
    introductions.arrivals_sent(1, watching)
    del watching
    assert kept() is not None
    monkeypatch.setattr("backend.realtime.presence.introductions.SENT_SECONDS", -1.0)
    introductions.arrivals_sent(2, {})
    assert kept() is None


def test_an_erased_user_goes_offline_for_their_contacts(deployment: Deployment) -> None:
    erased, in_room, in_direct, stranger = (
        deployment.user(hashed_password=hash_password("password1")) for _ in range(4)
    )
    erased.room(in_room)
    erased.send("hello", recipient_id=in_direct.id)
    with erased.live() as own, in_room.live() as one, in_direct.live() as two, stranger.live() as apart:
        erased("DELETE", "/api/users/me", {"password": "password1"}, status=204)
        assert own.close_code() == 4401
        for client in (one, two):
            assert client.expect("presence", user_id=erased.id, status="offline")["last_seen_at"] is None
        assert [frame for frame in apart.sync() if frame["type"] == "presence"] == []


def test_the_presence_of_a_user_who_left_before_it_was_sent_is_not_sent(app: Flask, make: Factory) -> None:
    arrival = Arrival(app, make)
    arrival.worker.introductions.send({arrival.ids[0]})  # the user is offline
    arrival.announce()
    arrival.joiner.post(f"/api/rooms/{arrival.room['id']}/leave")
    arrival.worker.introductions.send(set(arrival.ids))
    assert arrival.worker.received(arrival.ids[0]) == 0


@pytest.mark.parametrize("does_joiner_block", [True, False])
def test_a_user_who_joins_is_not_shown_to_those_whom_the_user_blocks(
    app: Flask, make: Factory, does_joiner_block: bool
) -> None:
    """The blocked user stays visible to the blocker."""
    arrival = Arrival(app, make)
    owner, joiner = (User(id=user_id) for user_id in arrival.ids)
    make.block(*((joiner, owner) if does_joiner_block else (owner, joiner)))
    arrival.worker.introductions.send(set(arrival.ids))
    assert arrival.worker.received(owner.id) == (0 if does_joiner_block else 1)


def test_presence_that_a_database_error_delayed_is_sent_afterwards(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival = Arrival(app, make)
    with monkeypatch.context() as fault:
        fault.setattr("backend.realtime.presence.introductions.db", None)
        with pytest.raises(AttributeError):
            arrival.worker.introductions.send(set(arrival.ids))
    arrival.worker.introductions.send(set(arrival.ids))
    assert arrival.worker.received(arrival.ids[0]) == 1
