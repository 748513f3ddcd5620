"""Limits of an application with Redis: shared between workers, and what happens when Redis ends or hangs."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import redis
from flask import Flask

from backend.rate_limiting import storage
from tests.auth.conftest import EMAIL
from tests.auth.test_limits import assert_limited, login, statuses
from tests.client import Client
from tests.rate_limiting.conftest import Monotonic
from tests.services import PrivateRedis
from tests.stopwatch import Stopwatch


def test_workers_share_their_counts(make_limited: Callable[..., Flask], empty_redis: str) -> None:
    clients = [Client(make_limited(redis_url=empty_redis)) for _ in range(2)]
    assert [login(clients[n % 2], email=EMAIL).status_code for n in range(10)] == [401] * 10
    assert [login(client, email=EMAIL).status_code for client in clients] == [429, 429]


def test_workers_share_the_limit_of_a_route(make_limited: Callable[..., Flask], empty_redis: str) -> None:
    clients = [Client(make_limited(redis_url=empty_redis)) for _ in range(2)]
    body = {"email": "nonsense"}
    answers = [clients[n % 2].post("/api/auth/register", body) for n in range(22)]
    assert [answer.status_code for answer in answers] == [422] * 20 + [429] * 2
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers[:20]] == [str(n) for n in range(19, -1, -1)]
    assert_limited(answers[-1], 3600, 20)


def test_a_limit_costs_redis_one_command(make_limited: Callable[..., Flask], own_redis: PrivateRedis) -> None:
    """A login has three: of its address, of the name and of the account. The headers cost nothing more."""
    client = Client(make_limited(redis_url=own_redis.url))
    login(client, email=EMAIL)  # loads the script
    with redis.from_url(own_redis.url) as store:
        store.config_resetstat()
        assert "X-RateLimit-Reset" in login(client, email=EMAIL).headers
        commands = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in store.info("commandstats").items()}
    assert commands.keys() - {"config|resetstat", "info"} == {"evalsha", "incrby", "pttl"}
    assert commands["evalsha"] == 3


@pytest.fixture
def hung_server() -> Iterator[socket.socket]:
    """A server whose connections are established and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def hung_port(hung_server: socket.socket) -> int:
    port: int = hung_server.getsockname()[1]
    return port


@pytest.fixture
def full_port() -> Iterator[int]:
    """A server whose queue of connections is full: a further connection is neither accepted nor refused."""
    with ExitStack() as sockets, socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address, is_full = server.getsockname(), False
        while not is_full:
            client = sockets.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
            _, connected, _ = select.select([], [client], [], 0.2)
            is_full = not connected
        yield address[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("state", ["hung", "full", "closed"])
def test_limits_hold_without_redis(
    make_limited: Callable[..., Flask], request: pytest.FixtureRequest, state: str
) -> None:
    port = request.getfixturevalue(f"{state}_port")
    client = Client(make_limited(redis_url=f"redis://127.0.0.1:{port}/0"))
    watch = Stopwatch()
    assert statuses(lambda: login(client, email=EMAIL), 10) == [401] * 10
    assert_limited(login(client, email=EMAIL), 60, 10)
    assert watch.seconds < 3


def test_a_redis_that_hangs_is_asked_once(hung_server: socket.socket, hung_port: int) -> None:
    """The library's own retries would make a request wait several times as long."""
    with pytest.raises(redis.RedisError):
        storage.RedisCounts(f"redis://127.0.0.1:{hung_port}/0").count("a", 60)
    hung_server.setblocking(False)
    hung_server.accept()[0].close()
    with pytest.raises(BlockingIOError):
        hung_server.accept()


@pytest.mark.parametrize("state", ["hung", "ended"])
def test_limits_hold_while_redis_is_away(
    make_limited: Callable[..., Flask], own_redis: PrivateRedis, monotonic: Monotonic, state: str
) -> None:
    """Redis goes while it serves: one request finds out, within half a second, and the others do not wait. Then it comes back."""
    client = Client(make_limited(redis_url=own_redis.url))
    login(client, email="other@example.com")
    assert statuses(lambda: login(client, email=EMAIL), 4) == [401] * 4

    own_redis.freeze() if state == "hung" else own_redis.kill()
    watch = Stopwatch()
    assert statuses(lambda: login(client, email=EMAIL), 10) == [401] * 10
    assert watch.seconds < 6 * storage.REDIS_SECONDS, "not each request waits"
    assert_limited(login(client, email=EMAIL), 60, 10)

    own_redis.thaw() if state == "hung" else own_redis.start()
    assert login(client, email=EMAIL).status_code == 429, "Redis is left alone for a while"
    monotonic.shift(storage.AWAY_SECONDS)
    assert login(client, email=EMAIL).status_code == 401, "its count has room again"
    with redis.from_url(own_redis.url) as store:
        counts = [int(store.get(key)) for key in store.keys("confab:limit:*login-account*")]  # type: ignore[arg-type]
    assert max(counts) == (5 if state == "hung" else 1)


def test_a_route_answers_while_redis_is_away(
    make_limited: Callable[..., Flask], own_redis: PrivateRedis, monotonic: Monotonic
) -> None:
    """Flask-Limiter's limits fall back like the others."""
    client = Client(make_limited(redis_url=own_redis.url))
    body = {"email": "nonsense"}
    assert client.post("/api/auth/register", body).headers["X-RateLimit-Remaining"] == "19"
    own_redis.kill()
    answers = [client.post("/api/auth/register", body) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [422] * 20 + [429]
    assert_limited(answers[-1], 3600, 20)
