"""Where calls are counted: in memory, in Redis, and in memory while Redis is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
import redis
from flask import Flask
from limits import parse
from limits.storage import storage_from_string

from backend.rate_limiting import storage
from backend.rate_limiting.storage import (
    CurrentAppStorage,
    FixedWindow,
    MemoryCounts,
    RedisCounts,
    SharedCounts,
    make_limiter,
)
from tests.processes import wait_until
from tests.races import at_once
from tests.rate_limiting.conftest import Monotonic


def test_windows_in_memory_close_and_are_swept(clock: Any) -> None:
    counts, now = MemoryCounts(), time.time()
    assert [counts.count("a", 30) for _ in range(2)] == [(1, now + 30), (2, now + 30)]
    clock.shift(29)
    assert counts.count("a", 30) == (3, now + 30)
    counts.count("b", 30)
    clock.shift(1)
    assert counts.count("a", 90) == (1, now + 120)
    clock.shift(60)
    counts.count("c", 30)
    assert counts.expirations.keys() == counts.storage.keys() == {"a", "c"}


def test_no_call_counted_in_memory_is_lost_or_starts_a_thread() -> None:
    before = set(threading.enumerate())
    counts = MemoryCounts()
    wait_until(lambda: set(threading.enumerate()) <= before, "the end of the thread that the library starts")

    def count_many() -> list[int]:
        return [counts.incr("a", 60) for _ in range(500)]

    counted = at_once([count_many] * 4)
    assert sorted(number for numbers in counted for number in numbers) == list(range(1, 2001))
    counts.incr("b", 60)
    assert set(threading.enumerate()) <= before


def test_windows_in_redis_are_shared_and_close(empty_redis: str) -> None:
    one, two = RedisCounts(empty_redis), RedisCounts(empty_redis)
    assert (one.count("a", 30)[0], two.count("a", 30)[0], two.count("b", 30)[0]) == (1, 2, 1)
    count, closes_at = one.count("a", 30)
    assert (count, 29 < closes_at - time.time() <= 30) == (3, True)
    assert one.count("day", 86_400)[1] - time.time() > 86_390
    store = redis.from_url(empty_redis)
    assert 0 < store.pttl("confab:limit:a") <= 30_000
    store.persist("confab:limit:a")
    assert 29 < one.count("a", 30)[1] - time.time() <= 30
    assert store.pttl("confab:limit:a") > 0
    store.pexpire("confab:limit:a", 5_000)
    assert one.count("a", 30)[1] - time.time() <= 5, "no further call makes the window longer"
    assert store.pttl("confab:limit:a") <= 5_000


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_the_strategy_counts_what_the_library_reads(kind: str, request: pytest.FixtureRequest) -> None:
    """Our one exchange for a call and the library's own methods see the same window."""
    limiter = make_limiter(None if kind == "memory" else request.getfixturevalue("empty_redis"))
    item = parse("5 per minute")
    count, closes_at = limiter.count(item, "a", cost=3)
    assert (count, limiter.count(item, "b")[0]) == (3, 1)
    assert limiter.hit(item, "a")
    stats = limiter.get_window_stats(item, "a")
    assert stats.remaining == 1
    assert abs(stats.reset_time - closes_at) < 1
    assert not limiter.hit(item, "a", cost=2)
    assert limiter.count(item, "a")[0] == 7, "calls beyond the limit count"
    limiter.clear(item, "a")
    assert limiter.count(item, "a")[0] == 1
    limiter.storage.reset()
    assert limiter.count(item, "b")[0] == 1
    assert limiter.storage.check()


def test_the_library_keeps_its_own_storages() -> None:
    """A storage of ours that took the library's place would be found wherever it makes one from a URL."""
    assert type(storage_from_string("memory://")).__module__ == "limits.storage.memory"
    assert type(storage_from_string("redis://127.0.0.1:9/0")).__module__ == "limits.storage.redis"


class Shared:
    """Counts that can be made to fail."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = True

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        self.calls += 1
        if self.fails:
            raise redis.ConnectionError("away")
        return 100, 1.0


def shared_counts(shared: Shared) -> SharedCounts:
    return SharedCounts(cast(RedisCounts, shared))


def test_redis_is_tried_again_in_a_while(monotonic: Monotonic, caplog: pytest.LogCaptureFixture) -> None:
    shared = Shared()
    counts = shared_counts(shared)
    assert [counts.count("a", 60)[0] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert shared.calls == 1
    assert [record.getMessage()[:13] for record in caplog.records] == ["Redis is away"]
    monotonic.shift(storage.AWAY_SECONDS)
    assert [counts.count("a", 60)[0] for _ in range(2)] == [6, 7]
    assert shared.calls == 2
    shared.fails = False
    monotonic.shift(storage.AWAY_SECONDS)
    assert [counts.count("a", 60)[0] for _ in range(2)] == [100, 100]
    assert shared.calls == 4
    assert [record.getMessage()[:13] for record in caplog.records] == ["Redis is away", "Redis is back"]


def test_while_one_request_tries_redis_the_others_do_not_wait(monotonic: Monotonic) -> None:
    shared = Shared()
    counts = shared_counts(shared)
    counts.count("a", 60)
    monotonic.shift(storage.AWAY_SECONDS)
    counted_meanwhile = []

    def slow(key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        shared.count = Shared.count.__get__(shared)  # type: ignore[method-assign]
        counted_meanwhile.append(counts.count("a", 60)[0])
        return shared.count(key, expiry)

    shared.count = slow  # type: ignore[method-assign]
    assert counts.count("a", 60)[0] == 3
    assert counted_meanwhile == [2]
    assert shared.calls == 2


def test_requests_that_fail_together_are_one_line_in_the_log(
    monotonic: Monotonic, caplog: pytest.LogCaptureFixture
) -> None:
    """They all began while Redis answered. What one of them learned too late does not bring Redis back."""
    shared = Shared()
    counts = shared_counts(shared)
    failing = Shared.count.__get__(shared)

    def slow(key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        shared.count = failing  # type: ignore[method-assign]
        counts.count("a", 60)
        return failing(key, expiry)

    def answered_late(key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        shared.count = failing  # type: ignore[method-assign]
        counts.count("a", 60)
        return 7, 1.0

    shared.count = slow  # type: ignore[method-assign]
    assert counts.count("a", 60)[0] == 2
    assert len(caplog.records) == 1
    shared, calls = Shared(), 0
    counts = shared_counts(shared)
    failing = Shared.count.__get__(shared)
    shared.count = answered_late  # type: ignore[method-assign]
    assert counts.count("a", 60)[0] == 7
    calls = shared.calls
    assert counts.count("a", 60)[0] == 2
    assert shared.calls == calls, "Redis is still left alone"


def test_a_fixed_window_opens_with_the_first_call(clock: Any) -> None:
    """Whoever calls at the end of a minute of the clock still waits a whole minute."""
    limiter = FixedWindow(MemoryCounts())
    item = parse("1 per minute")
    clock.shift(59 - time.time() % 60)
    assert limiter.hit(item, "a")
    clock.shift(59)
    assert not limiter.hit(item, "a")
    clock.shift(1)
    assert limiter.hit(item, "a")


def test_expired_counts_are_removed_from_memory_once_a_minute(clock: Any) -> None:
    counts = MemoryCounts()
    counts.count("a", 1)
    counts.count("expires at the time of the removal", 60)
    clock.shift(59)
    counts.count("b", 90)
    assert counts.storage.keys() == {"a", "b", "expires at the time of the removal"}
    clock.shift(1)
    counts.count("b", 90)
    assert counts.storage.keys() == {"b"}


def test_a_request_waits_half_a_second_for_redis_and_asks_it_again_after_ten(monotonic: Monotonic) -> None:
    assert storage.REDIS_SECONDS == 0.5
    shared = Shared()
    counts = shared_counts(shared)
    counts.count("a", 60)
    monotonic.shift(9.99)
    counts.count("a", 60)
    assert shared.calls == 1
    monotonic.shift(0.01)
    counts.count("a", 60)
    assert shared.calls == 2


def test_redis_counts_as_the_library_asks(empty_redis: str) -> None:
    counts = RedisCounts(empty_redis)
    assert [counts.incr("a", 30), counts.incr("a", 30, 3)] == [1, 4]
    shared = SharedCounts(counts)
    assert [shared.incr("b", 30), shared.incr("b", 30, 3)] == [1, 4]


def test_what_flask_limiter_counts_is_in_the_storage_of_the_application(make_app: Callable[..., Flask]) -> None:
    app, adapter = make_app(rate_limits=True), CurrentAppStorage("confab://")
    assert (adapter.base_exceptions, shared_counts(Shared()).base_exceptions) == ((), ())
    with app.test_request_context():
        assert [adapter.incr("a", 60), adapter.incr("a", 60, 2), adapter.get("a")] == [1, 3, 3]
        assert 0 < adapter.get_expiry("a") - time.time() <= 60
        assert adapter.check() is True
    with app.test_request_context():
        assert adapter.get("a") == 3
        assert 0 < adapter.get_expiry("a") - time.time() <= 60
        adapter.clear("a")
        assert adapter.get("a") == 0
        adapter.incr("b", 60)
    with app.test_request_context():
        assert adapter.reset() == 1
        assert adapter.get("b") == 0
