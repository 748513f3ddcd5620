"""The bus between workers. It carries hints; nothing depends on their arrival, their order or their number.

Without Redis a worker hears itself alone. With it, there is a channel for each conversation and one for each user, and a worker
subscribes only to those that someone here listens to.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import gevent.event
import orjson
import redis
from redis.exceptions import RedisError

from backend.http.json import encode
from backend.realtime.events import Event

log = logging.getLogger("confab.bus")

SOCKET_SECONDS = 1.0
"""How long Redis may take to answer before it counts as away."""

RETRY_SECONDS = 0.5
MAX_WAITING = 10_000
Deliver = Callable[[Sequence[Event]], None]


class LocalBus:
    """The bus of a worker that is alone."""

    def __init__(self) -> None:
        self.deliver: Deliver | None = None

    def publish(self, events: Sequence[Event]) -> None:
        """Hand *events* to this worker's hub."""
        if self.deliver is not None:
            self.deliver(events)

    @property
    def is_up(self) -> bool:
        """Whether the workers hear each other at this moment. One that is alone has nobody to miss."""
        return True

    def follow(self, name: str) -> None:
        """Nothing to subscribe to."""

    def unfollow(self, name: str) -> None:
        """Nothing to subscribe to."""

    def start(self) -> None:
        """Nothing to start."""

    def ping(self) -> bool:
        """Whether the bus works."""
        return True


class RedisBus(LocalBus):
    """The bus over Redis pub/sub. Its two greenlets outlive every failure of the server: killed, hung, flushed, restarted."""

    def __init__(self, url: str):
        super().__init__()
        self.me = secrets.token_hex(6)
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            health_check_interval=0,
            retry=None,
        )
        # Publications reach every database of a Redis, so its number is part of the name.
        database = self.client.connection_pool.connection_kwargs.get("db") or 0
        self.prefix = f"confab:{database}:"
        self._wanted: set[str] = set()
        self._changed = False
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=MAX_WAITING)
        self._has_outgoing = gevent.event.Event()
        self._is_started = False
        self._pubsub: Any = None

    def start(self) -> None:
        """Begin to listen, and to send from a greenlet of its own, so that a Redis that hangs delays nobody."""
        if not self._is_started:
            self._is_started = True
            gevent.spawn(self._listen)
            gevent.spawn(self._send)

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
            self._has_outgoing.set()
        else:
            self._flush()  # a command, or a worker without sockets: there is no greenlet to do it

    @property
    def is_up(self) -> bool:
        """Whether the listener is connected; before the first socket there is nobody who would listen."""
        return not self._is_started or self._pubsub is not None

    def follow(self, name: str) -> None:
        """Hear of *name* from now on."""
        self._wanted.add(name)
        self._subscribe(name)

    def unfollow(self, name: str) -> None:
        """Hear of *name* no more."""
        self._wanted.discard(name)
        if self._pubsub is not None:
            try:
                self._pubsub.unsubscribe(self.prefix + name)
            except (RedisError, OSError):
                self._lose()

    def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self.client.ping())
        except (RedisError, OSError):
            return False

    def _subscribe(self, *names: str) -> None:
        if self._pubsub is None or not names:
            return
        try:
            self._pubsub.subscribe(*(self.prefix + name for name in names))
        except (RedisError, OSError):
            self._lose()

    def _lose(self) -> None:
        """The connection is broken: the listener makes a new one."""
        self._pubsub = None

    def _listen(self) -> None:
        """Listen for ever. Retrying is done here and not in the library, whose own listener was seen to end in silence."""
        while True:
            pubsub = self.client.pubsub(ignore_subscribe_messages=True)
            try:
                pubsub.subscribe(self.prefix + "all")
                self._pubsub = pubsub
                self._subscribe(*self._wanted)
                silent = 0
                while self._pubsub is pubsub:
                    message = pubsub.get_message(timeout=SOCKET_SECONDS)
                    silent = 0 if message else silent + 1
                    if message:
                        self._hear(message)
                    elif silent % 3 == 0:
                        pubsub.ping()  # a server that hangs does not answer, and a dead link shows itself
            except (RedisError, OSError) as error:
                log.warning("the bus is away: %s; messages come from the database meanwhile", type(error).__name__)
            except Exception:
                log.exception("the bus failed")
            finally:
                self._pubsub = None
                try:
                    pubsub.close()
                except (RedisError, OSError):
                    log.debug("the lost connection could not be closed")
            gevent.sleep(RETRY_SECONDS)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] != "message":
            return
        try:
            envelope = orjson.loads(message["data"])
            if envelope["from"] == self.me or self.deliver is None:
                return
            events = [Event(**wire) for wire in envelope["events"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            log.warning("something foreign was said on the bus")
            return
        self.deliver(events)

    def _send(self) -> None:
        while True:
            self._has_outgoing.wait()
            self._has_outgoing.clear()
            if not self._flush():
                gevent.sleep(RETRY_SECONDS)

    def _flush(self) -> bool:
        """Send what waits; what cannot be sent is dropped, for the database has it."""
        while self._outgoing:
            batch = [self._outgoing.popleft() for _ in range(min(len(self._outgoing), 200))]
            try:
                pipe = self.client.pipeline(transaction=False)
                for name, data in batch:
                    pipe.publish(name, data)
                pipe.execute()
            except (RedisError, OSError):
                self._outgoing.clear()
                return False
        return True
