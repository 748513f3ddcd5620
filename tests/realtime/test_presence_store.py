"""The records of online users that workers keep in Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from backend.bus.redis import RedisBus
from backend.realtime.presence import store as module
from backend.realtime.presence.store import EXPIRY_SECONDS, GRACE_SECONDS, RedisPresenceStore
from tests.realtime.pair import Clock


class Workers:
    """Two workers, whose users are 1 and 2, and their Redis."""

    def __init__(self, url: str, client: redis.Redis):
        self.clock, self.redis = Clock(), client
        self.buses = [RedisBus(url) for _ in range(2)]
        self.one, self.two = (RedisPresenceStore(bus) for bus in self.buses)

    def ttls(self) -> list[int]:
        """The seconds until each record expires."""
        return [int(self.redis.ttl(key)) for key in self.redis.keys("*online:*")]


@pytest.fixture
def workers(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    with closing(redis.Redis.from_url(redis_url)) as client:
        workers = Workers(redis_url, client)
        monkeypatch.setattr(module, "time", workers.clock)
        yield workers
        client.flushdb()
        for bus in workers.buses:
            bus.client.close()


def test_each_worker_reads_the_users_of_the_others(workers: Workers) -> None:
    assert workers.one.exchange({1}) == set()
    assert workers.two.exchange({2}) == {1}
    assert workers.one.exchange({1, 3}) == {2}
    assert workers.two.exchange(set()) == {1, 3}
    assert workers.one.exchange({1}) == set(), "the other worker has no users left"


def test_the_record_of_a_killed_worker_expires(workers: Workers) -> None:
    workers.one.exchange({1})
    workers.two.exchange(set())
    ttls = workers.ttls()
    assert len(ttls) == 2
    assert all(0 < seconds <= EXPIRY_SECONDS for seconds in ttls)


def test_a_record_that_redis_lost_counts_for_some_time(workers: Workers) -> None:
    """Every worker writes its own again within that time."""
    workers.one.exchange({1})
    workers.two.exchange({2})
    workers.redis.flushdb()
    assert workers.two.exchange({2}) == {1}
    workers.clock.now += GRACE_SECONDS * 0.9
    assert workers.two.exchange({2}) == {1}
    workers.clock.now += GRACE_SECONDS * 0.2
    assert workers.two.exchange({2}) == set()
    workers.one.exchange({1})
    assert workers.two.exchange({2}) == {1}
