"""The bus over Redis pub/sub.

Two greenlets survive every failure of Redis, whether it was killed, hangs, was flushed or restarted. One reads. The other writes
publications and subscriptions, so that no caller waits for Redis.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import gevent
import gevent.event
import orjson
import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from backend.bus.base import Bus, OnEvents, OnSubscribed
from backend.events import Event
from backend.http.json import encode

log = logging.getLogger("confab.bus")

SOCKET_SECONDS = 1.0
"""How long Redis may take to answer before it counts as away."""

QUIET_SECONDS = 2.0
"""After this long without data the link is pinged; after twice as long it counts as dead. Nobody waits longer for a topic."""

RETRY_SECONDS = 0.5
MAX_QUEUED = 10_000
BATCH = 200


class RedisBus(Bus):
    """The bus of several workers.

    `client` is a Redis client for other uses, and `prefix` what the names of all keys and channels begin with. `node_id` names
    this worker.
    """

    def __init__(self, url: str):
        self.node_id = secrets.token_hex(6)
        self.client = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 0),  # this class retries, where the log shows it
        )
        # Publications reach every database of a Redis, so its number is part of the name.
        database = self.client.connection_pool.connection_kwargs.get("db") or 0
        self.prefix = f"confab:{database}:"
        self._on_events: OnEvents | None = None
        self._on_subscribed: OnSubscribed | None = None
        self._wanted: set[str] = set()
        self._subscribed: set[str] = set()
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=MAX_QUEUED)
        self._has_work = gevent.event.Event()
        self._link: Any = None
        self._received_at = 0.0
        self._is_away = False
        # Redis answers in order: a ping that follows subscriptions is answered once they are in effect.
        self._unsent_barrier: gevent.event.Event | None = None
        self._barriers: dict[bytes, gevent.event.Event] = {}
        self._barrier_numbers = itertools.count(1)

    @property
    def _is_started(self) -> bool:
        return self._on_events is not None

    def start(self, on_events: OnEvents, on_subscribed: OnSubscribed) -> None:
        is_running = self._is_started
        self._on_events, self._on_subscribed = on_events, on_subscribed
        if not is_running:
            gevent.spawn(self._read_loop)
            gevent.spawn(self._write_loop)

    def publish(self, events: Sequence[Event]) -> None:
        if self._on_events is not None:
            self._on_events(events)
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            topic = f"u:{event.user_id}" if event.user_id is not None else f"c:{event.conversation_id}"
            by_topic.setdefault(topic, []).append(event.to_wire())
        for topic, group in by_topic.items():
            self._outgoing.append((self.prefix + topic, encode({"from": self.node_id, "events": group})))
        if self._is_started:
            self._has_work.set()
        else:
            self._flush()  # in a command or a worker without sockets no greenlet runs that would send it

    @property
    def is_up(self) -> bool:
        """Whether the reader is connected. Before the first socket there is no reader, and none is needed."""
        return not self._is_started or self._link is not None

    def subscribe(self, topic: str) -> None:
        self._wanted.add(topic)
        self._has_work.set()

    def wait_until_subscribed(self) -> None:
        if self._is_started and not self._is_away:
            barrier = self._unsent_barrier = self._unsent_barrier or gevent.event.Event()
            self._has_work.set()
            barrier.wait(QUIET_SECONDS)

    def unsubscribe(self, topic: str) -> None:
        self._wanted.discard(topic)
        self._has_work.set()

    def ping(self) -> bool:
        try:
            return bool(self.client.ping())
        except (RedisError, OSError):
            return False

    # -- writing

    def _write_loop(self) -> None:
        while True:
            self._has_work.wait(QUIET_SECONDS)
            self._has_work.clear()
            try:
                self._sync_subscriptions()
                if not self._flush():
                    gevent.sleep(RETRY_SECONDS)
            except (RedisError, OSError):
                self._link = None  # the reader opens a new one
            except Exception:
                log.exception("the bus failed")
                gevent.sleep(RETRY_SECONDS)

    def _sync_subscriptions(self) -> None:
        """Subscribe to exactly the wanted topics, and ping a quiet link."""
        link = self._link
        if link is None:
            return
        barrier = self._take_barrier()  # before the topics are compared: it stands for those that are wanted now
        for command, topics in (
            ("SUBSCRIBE", self._wanted - self._subscribed),
            ("UNSUBSCRIBE", self._subscribed - self._wanted),
        ):
            ordered = sorted(topics)
            for start in range(0, len(ordered), BATCH):
                part = ordered[start : start + BATCH]
                self._subscribed.symmetric_difference_update(part)
                link.send_command(command, *(self.prefix + topic for topic in part), check_health=False)
        if barrier is not None:
            link.send_command("PING", barrier, check_health=False)
        elif time.monotonic() - self._received_at > QUIET_SECONDS:
            link.send_command("PING", check_health=False)

    def _take_barrier(self) -> bytes | None:
        """The payload of the ping whose answer ends the present calls of `wait_until_subscribed`; None without calls."""
        if self._unsent_barrier is None:
            return None
        payload = b"%d" % next(self._barrier_numbers)
        self._barriers[payload], self._unsent_barrier = self._unsent_barrier, None
        return payload

    def _flush(self) -> bool:
        """Send what is queued. False where Redis is away: the queue is dropped then, since the database holds every event."""
        while self._outgoing:
            batch = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), BATCH))]
            try:
                pipe = self.client.pipeline(transaction=False)
                for name, data in batch:
                    pipe.publish(name, data)
                pipe.execute()
            except (RedisError, OSError):
                self._outgoing.clear()
                return False
        return True

    # -- reading

    def _read_loop(self) -> None:
        """Read for ever. This loop reconnects by itself: the library's own listener was seen to end without an error."""
        while True:
            pool = self.client.connection_pool
            link = pool.connection_class(**pool.connection_kwargs)
            try:
                link.connect()
                self._received_at = time.monotonic()
                self._subscribed = set()
                self._link, self._is_away = link, False
                self._has_work.set()
                while self._link is link:
                    self._read(link)
            except (RedisError, OSError) as error:
                log.warning(
                    "Redis is away (%s): workers find each other's messages through the database, within a second",
                    type(error).__name__,
                )
            except Exception:
                log.exception("the bus failed")
            finally:
                self._link, self._is_away = None, True
                self._release_barriers()
                try:
                    link.disconnect()
                except (RedisError, OSError):
                    log.debug("the lost link could not be closed")
            gevent.sleep(RETRY_SECONDS)

    def _release_barriers(self) -> None:
        for barrier in (*self._barriers.values(), self._unsent_barrier):
            if barrier is not None:
                barrier.set()
        self._barriers, self._unsent_barrier = {}, None

    def _read(self, link: Any) -> None:
        try:
            response = link.read_response(timeout=QUIET_SECONDS, disconnect_on_error=False)
        except redis.TimeoutError:
            if time.monotonic() - self._received_at > 2 * QUIET_SECONDS:
                raise
            return
        self._received_at = time.monotonic()
        match response:
            case [b"message", _, data]:
                self._on_message(data)
            case [b"pong", payload] if payload in self._barriers:
                self._barriers.pop(payload).set()
            case [b"subscribe", name, _] if self._on_subscribed is not None:
                self._on_subscribed([name.decode().removeprefix(self.prefix)])

    def _on_message(self, data: bytes) -> None:
        try:
            envelope = orjson.loads(data)
            if envelope["from"] == self.node_id or self._on_events is None:
                return
            events = [Event.from_wire(wire) for wire in envelope["events"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            log.warning("a message on the bus is not from Confab, or from a release that this one does not understand")
            return
        self._on_events(events)
