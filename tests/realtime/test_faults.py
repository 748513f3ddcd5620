"""Redis and PostgreSQL fail while sockets are open: sends go on, nobody misses anything, and nothing stays broken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import redis
import requests

from backend.models.base import db
from tests.processes import wait_until
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment, Deployments, worker_of
from tests.services import PrivatePostgres, PrivateRedis

NOTICED = "Redis is away"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as server:
        yield server


@pytest.fixture(scope="module")
def frail(deployments: Deployments, postgres: PrivatePostgres) -> Iterator[Deployment]:
    """Two workers on services of their own."""
    with deployments() as open_deployment:
        yield open_deployment("redis", database_url=postgres.new_database("frail"), measured=True)


@pytest.fixture
def talk(frail: Deployment) -> tuple[Api, Frame, list[LiveClient], list[LiveClient]]:
    """A room with one who speaks and one who listens, on every worker."""
    with frail.app.app_context():
        db.engine.dispose()  # our own connections may be to a server that was killed
    owner, listener = frail.user(), frail.user()
    room = owner.room(listener)
    return owner, room, frail.on_each_worker(owner), frail.on_each_worker(listener)


Talk = tuple[Api, Frame, list[LiveClient], list[LiveClient]]


def exchange(talk: Talk, prefix: str, within: float) -> None:
    """Each worker's speaker speaks; every listener hears all of it in time."""
    _, room, speakers, listeners = talk
    for n, speaker in enumerate(speakers):
        speaker.send(f"{prefix}{n}", room_id=room["id"])
    said = time.monotonic()
    for listener in listeners:
        for n in range(len(speakers)):
            listener.message(f"{prefix}{n}", timeout=max(0.1, within - (time.monotonic() - said)))


def _kill(server: PrivateRedis) -> None:
    server.kill()


def _freeze(server: PrivateRedis) -> None:
    server.freeze()


def _flush(server: PrivateRedis) -> None:
    redis.Redis.from_url(server.url).flushall()


@pytest.mark.parametrize("fault", [_kill, _freeze, _flush])
def test_redis_fails(frail: Deployment, talk: Talk, fault: Callable[[PrivateRedis], None]) -> None:
    assert frail.redis is not None
    exchange(talk, "before", 2)
    fault(frail.redis)
    try:
        for n in range(3):
            exchange(talk, f"without{n}-", 2)
        owner, *_, listeners = talk
        with frail.user().live() as newcomer:
            newcomer.send("a new socket", recipient_id=owner.id)
        owner("POST", "/api/auth/logout", status=204)
        for socket in talk[2]:
            assert socket.closed(5) == 4401
    finally:
        if fault is _kill:
            frail.redis.start()
        elif fault is _freeze:
            frail.redis.thaw()
    assert all(listener.call("ping")["type"] == "pong" for listener in listeners)


def _restart(server: PrivateRedis) -> None:
    server.start()


def _thaw(server: PrivateRedis) -> None:
    server.thaw()


def subscribers(frail: Deployment, name: str) -> int:
    """How many workers listen to a conversation."""
    assert frail.redis is not None
    with closing(redis.Redis.from_url(frail.redis.url)) as client:
        return int(client.pubsub_numsub(f"confab:0:c:{name}".encode())[0][1])


@pytest.mark.parametrize(("fault", "end"), [(_kill, _restart), (_freeze, _thaw)])
def test_the_bus_comes_back(
    frail: Deployment, talk: Talk, fault: Callable[[PrivateRedis], None], end: Callable[[PrivateRedis], None]
) -> None:
    """After an outage hints arrive again, and faster than the clock would find what happened."""
    assert frail.redis is not None
    noticed = frail.server.output().count(NOTICED)
    fault(frail.redis)
    wait_until(lambda: frail.server.output().count(NOTICED) >= noticed + 2, "both workers to notice", 10)
    exchange(talk, "away", 2)
    end(frail.redis)
    wait_until(lambda: subscribers(frail, talk[1]["conversation_id"]) == 2, "the workers' return to Redis", 10)
    exchange(talk, "back", 1)


def test_a_device_that_came_back_elsewhere_meanwhile_is_replaced_when_the_bus_is_back(frail: Deployment) -> None:
    assert frail.redis is not None
    user = frail.user()
    older = user.live("tab")
    home = worker_of(frail.server, older)
    frail.redis.kill()
    for _ in range(40):
        newer = user.live("tab")
        if worker_of(frail.server, newer) != home:
            break
        assert older.closed() == 4409
        older = newer
    assert older.call("ping")["type"] == "pong"
    frail.redis.start()
    assert older.closed(10) == 4409
    assert newer.call("ping")["type"] == "pong"


def test_workers_subscribe_to_what_someone_here_follows_alone(frail: Deployment, talk: Talk) -> None:
    _, room, *sockets = talk
    wait_until(lambda: subscribers(frail, room["conversation_id"]) == 2, "both workers to listen", 5)
    for group in sockets:
        for socket in group:
            socket.close()
    wait_until(lambda: subscribers(frail, room["conversation_id"]) == 0, "nobody to listen", 5)


def test_nobody_goes_offline_because_redis_does(frail: Deployment, talk: Talk) -> None:
    """A worker remembers the others' users while Redis is away, and gives them time to say again that they are here."""
    assert frail.redis is not None
    owner, _, speakers, listeners = talk
    for extra in (speakers[1], listeners[0]):  # each is on one worker now, apart from the other
        extra.close()
    speaker, listener = speakers[0], listeners[1]
    listener.drain(1.5)  # by then each worker knows of the other's users
    before = len(listener.events)
    frail.redis.kill()
    listener.drain(1)
    frail.redis.start()
    listener.drain(3)
    assert [frame for frame in listener.events[before:] if frame["type"] == "presence"] == []
    speaker.close()
    listener.expect("presence", timeout=5, user_id=owner.id, status="offline")


def test_postgresql_restarts(frail: Deployment, talk: Talk, postgres: PrivatePostgres) -> None:
    _, room, speakers, listeners = talk
    exchange(talk, "before", 2)
    postgres.kill()
    refused = speakers[0].call("send", content="into the void", room_id=room["id"])
    assert (refused["type"], refused["code"]) == ("error", "unavailable")
    assert speakers[0].call("resume")["code"] == "unavailable"
    assert all(socket.call("ping")["type"] == "pong" for socket in [*speakers, *listeners])
    postgres.start()
    for speaker in speakers:  # each worker finds out by itself that its connections are dead
        deadline = time.monotonic() + 10
        while speaker.call("send", content="again", room_id=room["id"])["type"] != "ack":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    exchange(talk, "after", 5)
    for speaker in speakers:
        speaker.message("after0", timeout=5)


def test_postgresql_hangs(frail: Deployment, talk: Talk, postgres: PrivatePostgres) -> None:
    """It takes what it is sent and does not answer, in the middle of whatever was being done: a worker waits for nothing."""
    owner, room, speakers, listeners = talk
    exchange(talk, "before", 2)
    workers = frail.server.worker_pids
    postgres.freeze()
    try:
        began = time.monotonic()
        sent = [(speaker, speaker.say("send", content="into the void", room_id=room["id"])) for speaker in speakers]
        while (passed := time.monotonic() - began) < 6:
            assert [listener.call("ping")["type"] for listener in listeners] == ["pong"] * len(listeners)
            assert time.monotonic() - began - passed < 2
            time.sleep(0.1)
        for speaker, id_ in sent:
            refused = speaker.answer(id_, began + 10 - time.monotonic())
            assert (refused["type"], refused["code"]) == ("error", "unavailable")
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {owner.token}"}
        response = requests.get(f"{frail.server.url}/api/users/me", headers=headers, timeout=15)
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert time.monotonic() - began < 10
    finally:
        postgres.thaw()
    exchange(talk, "after", 5)
    assert frail.server.worker_pids == workers
