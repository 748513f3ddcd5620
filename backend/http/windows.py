"""Counting per key in windows of time: in memory, in Redis, and in Redis with memory to fall back on."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend.state import Windows

log = logging.getLogger("confab.limits")

REDIS_SECONDS = 0.5
"""How long a request waits for Redis before it counts in memory."""

AWAY_SECONDS = 10.0
"""How long Redis is left alone after it failed, so that a request in ten seconds pays for the wait and not each one."""

SWEEP_SECONDS = 60.0
_COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], left)
end
return {count, left}
"""


class MemoryWindows:
    """Windows of this process alone."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._sweep_at = 0.0

    def count(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        now = time.time()
        with self._lock:
            if now >= self._sweep_at:
                self._windows = {k: window for k, window in self._windows.items() if window[1] > now}
                self._sweep_at = now + SWEEP_SECONDS
            count, closes_at = self._windows.get(key, (0, 0.0))
            if closes_at <= now:
                count, closes_at = 0, now + seconds
            self._windows[key] = (count + amount, closes_at)
        return count + amount, closes_at - now


class RedisWindows:
    """Windows that all workers share. Raises redis.RedisError, after half a second at most."""

    def __init__(self, url: str):
        self._client = redis.from_url(
            url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._client.register_script(_COUNT)

    def count(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        answer: Any = self._script(keys=[f"confab:limit:{key}"], args=[seconds * 1000, amount])
        return int(answer[0]), int(answer[1]) / 1000


class SturdyWindows:
    """*shared* windows while they answer, windows of this process while they do not: the limits never fall away."""

    def __init__(self, shared: Windows):
        self._shared = shared
        self._own = MemoryWindows()
        self._try_at = 0.0

    def count(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        now = time.monotonic()
        if now < self._try_at:
            return self._own.count(key, seconds, amount)
        was_away, before = self._try_at > 0, self._try_at
        if was_away:
            self._try_at = now + AWAY_SECONDS  # one request tries; those beside it do not wait with it
        try:
            answer = self._shared.count(key, seconds, amount)
        except (redis.RedisError, OSError) as error:
            self._try_at = time.monotonic() + AWAY_SECONDS
            if not before:
                log.warning("Redis is away, rate limits count in memory: %s", type(error).__name__)
            return self._own.count(key, seconds, amount)
        if was_away:
            log.warning("Redis is back, rate limits are shared again")
        self._try_at = 0.0
        return answer
