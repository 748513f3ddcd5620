"""Redis and PostgreSQL fail while sockets are open: sends go on, nobody misses anything, and nothing stays broken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import redis

from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import House, Houses
from tests.services import PrivatePostgres, PrivateRedis


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as server:
        yield server


@pytest.fixture(scope="module")
def frail(houses: Houses, postgres: PrivatePostgres) -> Iterator[House]:
    """Two workers on services of their own."""
    with houses() as open_house:
        yield open_house("redis", database_url=postgres.new_database("frail"), measured=True)


@pytest.fixture
def talk(frail: House) -> tuple[Api, Frame, list[LiveClient], list[LiveClient]]:
    """A room with one who speaks and one who listens, on every worker."""
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
def test_redis_fails(frail: House, talk: Talk, fault: Callable[[PrivateRedis], None]) -> None:
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


def test_the_bus_comes_back(frail: House, talk: Talk) -> None:
    """After an outage hints arrive again, and faster than the clock would find what happened."""
    assert frail.redis is not None
    frail.redis.kill()
    exchange(talk, "away", 2)
    frail.redis.start()
    client = redis.Redis.from_url(frail.redis.url)
    deadline = time.monotonic() + 10
    name = f"confab:0:c:{talk[1]['conversation_id']}".encode()
    while client.pubsub_numsub(name)[0][1] < 2:
        assert time.monotonic() < deadline, "the workers have not come back to Redis"
        time.sleep(0.05)
    exchange(talk, "back", 1)


def test_postgresql_restarts(frail: House, talk: Talk, postgres: PrivatePostgres) -> None:
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
