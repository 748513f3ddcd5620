"""The bus over Redis pub/sub.

Two greenlets outlive every failure of the server, whether it was killed, hangs, was flushed or restarted. One reads. The other
writes, so that nobody else waits for Redis: publications, and subscriptions, which callers only wish for.
"""

from __future__ import annotations

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

from backend.bus.local import LocalBus
from backend.events import Event
from backend.http.json import encode

log = logging.getLogger("confab.bus")

SOCKET_SECONDS = 1.0
"""How long Redis may take to answer before it counts as away."""

QUIET_SECONDS = 2.0
"""After so long without a word Redis is asked for one; after twice as long the link counts as dead."""

RETRY_SECONDS = 0.5
MAX_WAITING = 10_000
AT_ONCE = 200


class RedisBus(LocalBus):
    """The bus of several workers."""

    def __init__(self, url: str):
        super().__init__()
        self.me = secrets.token_hex(6)
        self.client = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 0),  # trying again is done here, where it can be seen
        )
        # Publications reach every database of a Redis, so its number is part of the name.
        database = self.client.connection_pool.connection_kwargs.get("db") or 0
        self.prefix = f"confab:{database}:"
        self._wanted: set[str] = set()
        self._subscribed: set[str] = set()
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=MAX_WAITING)
        self._has_work = gevent.event.Event()
        self._is_started = False
        self._link: Any = None
        self._heard_at = 0.0

    def start(self) -> None:
        """Begin to listen and to send."""
        if not self._is_started:
            self._is_started = True
            gevent.spawn(self._listen)
            gevent.spawn(self._work)

    def publish(self, events: Sequence[Event]) -> None:
        """Hand *events* to this worker's hub, and to Redis for the others."""
        super().publish(events)
        by_name: dict[str, list[dict[str, Any]]] = {}
        for event in events:
            name = f"u:{event.user_id}" if event.user_id is not None else f"c:{event.conversation_id}"
            by_name.setdefault(name, []).append(event.to_wire())
        for name, group in by_name.items():
            self._outgoing.append((self.prefix + name, encode({"from": self.me, "events": group})))
        if self._is_started:
            self._has_work.set()
        else:
            self._publish()  # a command, or a worker without sockets: there is no greenlet to do it

    @property
    def is_up(self) -> bool:
        """Whether the listener is connected; before the first socket there is nobody who would listen."""
        return not self._is_started or self._link is not None

    def follow(self, name: str) -> None:
        """Hear of *name*; `followed` is told when that is so."""
        self._wanted.add(name)
        self._has_work.set()

    def unfollow(self, name: str) -> None:
        """Hear of *name* no more."""
        self._wanted.discard(name)
        self._has_work.set()

    def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self.client.ping())
        except (RedisError, OSError):
            return False

    # -- writing

    def _work(self) -> None:
        while True:
            self._has_work.wait(QUIET_SECONDS)
            self._has_work.clear()
            try:
                self._steer()
                if not self._publish():
                    gevent.sleep(RETRY_SECONDS)
            except (RedisError, OSError):
                self._link = None  # the reader makes a new one
            except Exception:
                log.exception("the bus failed")
                gevent.sleep(RETRY_SECONDS)

    def _steer(self) -> None:
        """Subscribe to what is wanted, and to nothing else."""
        link = self._link
        if link is None:
            return
        for command, names in (
            ("SUBSCRIBE", self._wanted - self._subscribed),
            ("UNSUBSCRIBE", self._subscribed - self._wanted),
        ):
            ordered = sorted(names)
            for start in range(0, len(ordered), AT_ONCE):
                part = ordered[start : start + AT_ONCE]
                self._subscribed.symmetric_difference_update(part)
                link.send_command(command, *(self.prefix + name for name in part), check_health=False)
        if time.monotonic() - self._heard_at > QUIET_SECONDS:
            link.send_command("PING", check_health=False)

    def _publish(self) -> bool:
        """Send what waits; what cannot be sent is dropped, for the database has it."""
        while self._outgoing:
            batch = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), AT_ONCE))]
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

    def _listen(self) -> None:
        """Listen for ever. Retrying is done here and not in the library, whose own listener was seen to end in silence."""
        while True:
            pool = self.client.connection_pool
            link = pool.connection_class(**pool.connection_kwargs)
            try:
                link.connect()
                self._heard_at = time.monotonic()
                self._subscribed = set()
                self._link = link
                self._has_work.set()
                while self._link is link:
                    self._read(link)
            except (RedisError, OSError) as error:
                log.warning("the bus is away: %s; messages come from the database meanwhile", type(error).__name__)
            except Exception:
                log.exception("the bus failed")
            finally:
                self._link = None
                try:
                    link.disconnect()
                except (RedisError, OSError):
                    log.debug("the lost link could not be closed")
            gevent.sleep(RETRY_SECONDS)

    def _read(self, link: Any) -> None:
        try:
            said = link.read_response(timeout=QUIET_SECONDS, disconnect_on_error=False)
        except redis.TimeoutError:
            if time.monotonic() - self._heard_at > 2 * QUIET_SECONDS:
                raise
            return
        self._heard_at = time.monotonic()
        match said:
            case [b"message", _, data]:
                self._hear(data)
            case [b"subscribe", name, _] if self.followed is not None:
                self.followed([name.decode().removeprefix(self.prefix)])

    def _hear(self, data: bytes) -> None:
        try:
            envelope = orjson.loads(data)
            if envelope["from"] == self.me or self.deliver is None:
                return
            events = [Event.from_wire(wire) for wire in envelope["events"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            log.warning("something foreign was said on the bus")
            return
        self.deliver(events)
