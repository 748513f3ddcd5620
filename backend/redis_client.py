"""A short connection to Redis, for checks of its health."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis


@contextmanager
def connect_redis(url: str, seconds: float) -> Iterator[redis.Redis]:
    """A client whose server has answered a ping. It is closed at the end.

    No step takes longer than *seconds*. Raises redis.RedisError or OSError if the server does not answer.
    """
    client = redis.Redis.from_url(url, socket_connect_timeout=seconds, socket_timeout=seconds)
    try:
        client.ping()
        yield client
    finally:
        client.close()
