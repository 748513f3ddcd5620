"""What the tests of rate limits share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import time_machine
from flask import Flask

from backend.models.base import utcnow
from backend.rate_limiting import storage
from tests.auth.conftest import idle_apps, make_limited  # noqa: F401 -- fixtures
from tests.conftest import wipe
from tests.services import PrivateRedis


@pytest.fixture
def app(sqlite_app: Flask) -> Iterator[Flask]:
    """On one database: calls are counted in memory or in Redis."""
    yield sqlite_app
    with sqlite_app.app_context():
        wipe()


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


class Monotonic:
    """Stands in for the module `time` where only its monotonic clock is to be moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def shift(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    time = staticmethod(time.time)


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    monkeypatch.setattr(storage, "time", clock := Monotonic())
    return clock


@pytest.fixture
def empty_redis(redis_url: str) -> Iterator[str]:
    yield redis_url
    redis.from_url(redis_url).flushall()


@pytest.fixture
def own_redis() -> Iterator[PrivateRedis]:
    """A Redis that the test may stop."""
    with PrivateRedis() as server:
        yield server
