"""Which users have open sockets on the other workers."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Protocol

from backend.bus.redis import RedisBus

EXPIRY_SECONDS, GRACE_SECONDS = 5, 2.0
"""A worker's record in Redis expires after the first. The other workers keep it for the second beyond that: a Redis that was
restarted has lost the records, and every worker writes its own again within this time."""

NOBODY = 0


class PresenceStore(Protocol):
    """Exchanges the users that are online."""

    is_shared: bool
    """Whether other workers exist. If not, `exchange` need not be called."""

    def exchange(self, online_here: Collection[int]) -> set[int]:
        """Publish who is online on this worker. Returns who is online on the others. Raises redis.RedisError and OSError."""


class LocalPresenceStore:
    """The store of a worker that runs alone."""

    is_shared = False

    def exchange(self, online_here: Collection[int]) -> set[int]:
        return set()


class RedisPresenceStore:
    """A record for each worker, as a set in Redis that expires."""

    is_shared = True

    def __init__(self, bus: RedisBus):
        self._client = bus.client
        self._keys = f"{bus.prefix}online:"
        self._own_key = self._keys + bus.node_id
        self._others: dict[str, tuple[set[int], float | None]] = {}  # with the time since which the record is missing

    def exchange(self, online_here: Collection[int]) -> set[int]:
        pipe = self._client.pipeline(transaction=True)
        pipe.delete(self._own_key)
        pipe.sadd(self._own_key, NOBODY, *online_here)  # an empty set would not exist
        pipe.expire(self._own_key, EXPIRY_SECONDS)
        pipe.execute()
        now = time.monotonic()
        found: dict[str, tuple[set[int], float | None]] = {}
        for raw_key in self._client.scan_iter(match=f"{self._keys}*", count=1000):
            key = raw_key.decode()
            if key != self._own_key:
                found[key] = ({int(member) for member in self._client.smembers(key)} - {NOBODY}, None)
        for key, (users, missing_since) in self._others.items():
            since = now if missing_since is None else missing_since
            if key not in found and now - since < GRACE_SECONDS:
                found[key] = (users, since)
        self._others = found
        return set().union(*(users for users, _ in found.values()))
