"""Where limits count: in memory, in Redis, and what happens when Redis goes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import time_machine
from flask import Flask

from backend.http import windows
from backend.http.windows import MemoryWindows, RedisWindows, SturdyWindows
from backend.models.base import utcnow
from tests.auth.conftest import EMAIL
from tests.auth.test_limits import assert_limited, login, statuses
from tests.client import Client

LOGIN = "/api/auth/login"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


def test_windows_in_memory_close_and_are_swept(clock: Any) -> None:
    counter = MemoryWindows()
    assert [counter.count("a", 30) for _ in range(2)] == [(1, 30), (2, 30)]
    clock.shift(29)
    assert counter.count("a", 30) == (3, 1)
    counter.count("b", 30)
    clock.shift(1)
    assert counter.count("a", 90) == (1, 90)
    clock.shift(60)
    counter.count("c", 30)
    assert counter._windows.keys() == {"a", "c"}


@pytest.fixture
def empty_redis(redis_url: str) -> Iterator[str]:
    yield redis_url
    redis.from_url(redis_url).flushall()


def test_windows_in_redis_are_shared_and_close(empty_redis: str) -> None:
    one, two = RedisWindows(empty_redis), RedisWindows(empty_redis)
    assert (one.count("a", 30)[0], two.count("a", 30)[0], two.count("b", 30)[0]) == (1, 2, 1)
    count, left = one.count("a", 30)
    assert (count, 29 < left <= 30) == (3, True)
    store = redis.from_url(empty_redis)
    assert 0 < store.pttl("confab:limit:a") <= 30_000
    store.persist("confab:limit:a")
    assert one.count("a", 30)[1] == 30
    assert store.pttl("confab:limit:a") > 0


def test_workers_share_their_counts(make_limited: Callable[..., Flask], empty_redis: str) -> None:
    clients = [Client(make_limited(redis_url=empty_redis)) for _ in range(2)]
    assert [login(clients[n % 2], email=EMAIL).status_code for n in range(10)] == [401] * 10
    assert [login(client, email=EMAIL).status_code for client in clients] == [429, 429]


@pytest.fixture
def hung_port() -> Iterator[int]:
    """A server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("state", ["hung", "closed"])
def test_limits_hold_without_redis(
    make_limited: Callable[..., Flask], request: pytest.FixtureRequest, state: str
) -> None:
    port = request.getfixturevalue(f"{state}_port")
    client = Client(make_limited(redis_url=f"redis://127.0.0.1:{port}/0"))
    started = time.monotonic()
    assert statuses(lambda: login(client, email=EMAIL), 10) == [401] * 10
    assert_limited(login(client, email=EMAIL), 60, 10)
    assert time.monotonic() - started < 3


class Shared:
    """Windows that can be made to fail."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = True

    def count(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        self.calls += 1
        if self.fails:
            raise redis.ConnectionError("away")
        return 100, 1.0


class Monotonic:
    """Stands in for the module `time` where only its monotonic clock is read."""

    def __init__(self) -> None:
        self.now = 1000.0

    def shift(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    time = staticmethod(time.time)


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    monkeypatch.setattr(windows, "time", clock := Monotonic())
    return clock


def test_redis_is_tried_again_in_a_while(monotonic: Monotonic, caplog: pytest.LogCaptureFixture) -> None:
    shared = Shared()
    sturdy = SturdyWindows(shared)
    assert [sturdy.count("a", 60)[0] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert shared.calls == 1
    monotonic.shift(windows.AWAY_SECONDS)
    assert [sturdy.count("a", 60)[0] for _ in range(2)] == [6, 7]
    assert shared.calls == 2
    shared.fails = False
    monotonic.shift(windows.AWAY_SECONDS)
    assert [sturdy.count("a", 60)[0] for _ in range(2)] == [100, 100]
    assert shared.calls == 4
    assert [record.getMessage()[:13] for record in caplog.records] == ["Redis is away", "Redis is back"]


def test_while_one_request_tries_redis_the_others_do_not_wait(monotonic: Monotonic) -> None:
    shared = Shared()
    sturdy = SturdyWindows(shared)
    sturdy.count("a", 60)
    monotonic.shift(windows.AWAY_SECONDS)
    counted_meanwhile = []

    def slow(key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        shared.count = Shared.count.__get__(shared)  # type: ignore[method-assign]
        counted_meanwhile.append(sturdy.count("a", 60)[0])
        return shared.count(key, seconds)

    shared.count = slow  # type: ignore[method-assign]
    assert sturdy.count("a", 60)[0] == 3
    assert counted_meanwhile == [2]
    assert shared.calls == 2
