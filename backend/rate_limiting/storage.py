"""Where calls are counted: in memory, in Redis, and in memory while Redis is away.

These classes extend the storages and the strategy of the library `limits`: a call costs Redis one command, a failing Redis does
not fail a request, and expired counts are removed at little cost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import redis
from flask import g
from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from backend.state import RateLimiter, confab_state

log = logging.getLogger("confab.limits")

Answer = TypeVar("Answer")

REDIS_SECONDS = 0.5
"""The longest time that a request waits for Redis before it counts in memory."""

AWAY_SECONDS = 10.0
"""The time for which Redis is not asked after it failed. One request in ten seconds waits for it, and not each request."""

SWEEP_SECONDS = 60.0
"""The time between two removals of expired counts from memory."""


class CountingStorage(Protocol):
    """A storage of `limits` that counts a call and reads when its window closes, in one step."""

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        """Count *amount* calls in a window of *expiry* seconds, which the first call opens.

        Return the count and the time when the window closes, in seconds since 1970.
        """


class FixedWindow(FixedWindowRateLimiter):
    """Counts in fixed windows. The first call of a key opens a window, which closes when its time is over.

    A key needs one number, whatever the number of its calls, and a batch of calls can be allowed in part. A moving window stores
    the time of each call, and allows a batch whole or not at all.
    """

    def __init__(self, storage: Storage):
        super().__init__(storage)
        self._counting = cast(CountingStorage, storage)

    def count(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> tuple[int, float]:
        """Count *cost* calls, those beyond the limit too. Return the count and the time when the window closes."""
        return self._counting.count(item.key_for(*identifiers), item.get_expiry(), cost)


def make_limiter(redis_url: str | None) -> FixedWindow:
    """Return the limiter of an application: with a Redis, or in memory. Opens no connection."""
    return FixedWindow(SharedCounts(RedisCounts(redis_url)) if redis_url else MemoryCounts())


class MemoryCounts(MemoryStorage):
    """The counts of this process.

    The library's class starts a thread for a call, up to a hundred times a second. The thread checks every key, and can remove a
    count while another thread creates it. This class counts under one lock, and removes expired counts once a minute.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sweep_at = 0.0
        super().__init__()
        self.timer.cancel()  # the library's thread; its only other starts are in methods that are not used here

    def get(self, key: str) -> int:
        with self._lock:
            return super().get(key)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        return self.count(key, expiry, amount)[0]

    def count(self, key: str, expiry: float, amount: int = 1) -> tuple[int, float]:
        now = time.time()
        with self._lock:
            if now >= self._sweep_at:
                self._sweep(now)
            closes_at = self.expirations.get(key, 0.0)
            if closes_at <= now:
                closes_at = self.expirations[key] = now + expiry
                self.storage[key] = 0
            self.storage[key] += amount
            return self.storage[key], closes_at

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + SWEEP_SECONDS
        for key in [key for key, closes_at in self.expirations.items() if closes_at <= now]:
            self.clear(key)


_COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = ARGV[1] * 1000
  redis.call('PEXPIRE', KEYS[1], left)
end
return {count, left}
"""


class RedisCounts(RedisStorage):
    """The counts of all workers. Methods raise redis.RedisError if Redis fails or does not answer within half a second.

    The library's class needs three commands for a call: to count, to read the count, and to read the seconds until the window
    closes. This class needs one.
    """

    def __init__(self, url: str):
        pool = redis.ConnectionPool.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
        super().__init__(url, connection_pool=pool, key_prefix="confab:limit")
        self._count = self.storage.register_script(_COUNT)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self.count(key, expiry, amount)[0]

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        count, left = self._count([self.prefixed_key(key)], [expiry, amount])
        return int(count), time.time() + int(left) / 1000


class SharedCounts(Storage):
    """The counts in Redis while it answers, and the counts of this process while it does not. Limits always hold."""

    def __init__(self, shared: RedisCounts):
        super().__init__()
        self._shared = shared
        self._own = MemoryCounts()
        self._retry_at = 0.0
        """The time of the next attempt to reach Redis, by the monotonic clock; 0 while Redis answers."""

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    def count(self, key: str, expiry: int, amount: int = 1) -> tuple[int, float]:
        return self._ask(lambda storage: storage.count(key, expiry, amount))

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self.count(key, expiry, amount)[0]

    def get(self, key: str) -> int:
        return self._ask(lambda storage: storage.get(key))

    def get_expiry(self, key: str) -> float:
        return self._ask(lambda storage: storage.get_expiry(key))

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        return self._ask(lambda storage: storage.reset())

    def clear(self, key: str) -> None:
        self._ask(lambda storage: storage.clear(key))

    def _ask(self, call: Callable[[RedisCounts | MemoryCounts], Answer]) -> Answer:
        now = time.monotonic()
        was_away = self._retry_at > 0
        if was_away:
            if now < self._retry_at:
                return call(self._own)
            self._retry_at = now + AWAY_SECONDS  # this call tries to reach Redis; concurrent calls do not wait for it
        try:
            answer = call(self._shared)
        except (redis.RedisError, OSError) as error:
            if self._retry_at == 0:
                log.warning("Redis is away, rate limits count in memory: %s", type(error).__name__)
            self._retry_at = time.monotonic() + AWAY_SECONDS
            return call(self._own)
        if was_away:
            self._retry_at = 0.0
            log.warning("Redis is back, rate limits are shared again")
        return answer


class CurrentAppStorage(Storage):
    """Passes the calls of Flask-Limiter on to the storage of the current application.

    There is one Flask-Limiter for all applications of the process, and it has one storage. It counts, and reads the count and the
    expiry when it writes the headers. Both are known since it counted, so that they are not read from Redis again.
    """

    SCHEME = "confab"
    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 -- the library reads it to create the storage of a URL

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        counted: tuple[int, float] = _storage().count(key, expiry, amount)
        g.setdefault("rate_limits_counted", {})[key] = counted
        return counted[0]

    def get(self, key: str) -> int:
        counted = _counted(key)
        return _storage().get(key) if counted is None else counted[0]

    def get_expiry(self, key: str) -> float:
        counted = _counted(key)
        return _storage().get_expiry(key) if counted is None else counted[1]

    def check(self) -> bool:
        return bool(_storage().check())

    def reset(self) -> int | None:
        return cast("int | None", _storage().reset())

    def clear(self, key: str) -> None:
        _storage().clear(key)


def _storage() -> Any:
    # Not None: with RATE_LIMITS=off Flask-Limiter counts nothing.
    return cast(RateLimiter, confab_state().rate_limiter).storage


def _counted(key: str) -> tuple[int, float] | None:
    found: tuple[int, float] | None = g.get("rate_limits_counted", {}).get(key)
    return found
