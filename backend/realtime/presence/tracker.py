"""Who is online, on any worker. A worker that dies takes its users with it when its record expires."""

from __future__ import annotations

import time
from typing import Any

import gevent
import gevent.event
from redis.exceptions import RedisError
from sqlalchemy import select, update

from backend.bus.redis import RedisBus
from backend.conversations.contacts import watched, watchers
from backend.database import is_unavailable
from backend.models import User
from backend.models.base import db, utcnow
from backend.realtime.hiding import Hiding
from backend.realtime.hub import Hub
from backend.realtime.presence.introductions import Meetings
from backend.realtime.transport.frames import presence_frame

POLL_SECONDS = 1.0
TOGETHER_SECONDS = 0.05
"""Changes that come together are told together."""

RETRY_SECONDS = 0.5
EXPIRY_SECONDS, GRACE_SECONDS = 5, 2.0
"""A worker's record outlives it by the first. The others remember it for the second beyond that, in which every worker has
written again what a Redis that restarted has lost."""

NOBODY = 0


class Presence:
    """The users that are online, as this worker knows them, and the telling of changes to its own clients."""

    def __init__(self, hub: Hub, bus: Any):
        self._hub = hub
        self._redis: RedisBus | None = bus if isinstance(bus, RedisBus) else None
        self._elsewhere: dict[str, tuple[set[int], float | None]] = {}  # and since when the record is missing
        self._mine: set[int] = set()
        self._known: set[int] = set()
        self._has_changed, self._is_due = gevent.event.Event(), gevent.event.Event()
        self._meetings, self._hiding = Meetings(hub), Hiding(hub)
        hub.on_presence = self._note
        self._meetings.on_news = self._hiding.on_news = self._is_due.set

    def online(self) -> set[int]:
        """Every user with an open socket on any worker."""
        return set(self._hub.users).union(*(users for users, _ in self._elsewhere.values()))

    def start(self) -> None:
        """Begin to exchange records with the other workers, and to tell who comes and goes.

        Apart from each other: a database that hangs must not make this worker look dead.
        """
        gevent.spawn(self._tell_always)
        if self._redis is not None:
            gevent.spawn(self._exchange_always, self._redis)

    def _note(self) -> None:
        """Somebody came here or went. With other workers they are asked first: whoever went may have come there."""
        if self._redis is None:
            self._is_due.set()
        else:
            self._has_changed.set()

    def _exchange_always(self, bus: RedisBus) -> None:
        while True:
            self._has_changed.wait(POLL_SECONDS)
            gevent.sleep(TOGETHER_SECONDS)
            self._has_changed.clear()
            is_well = self._try_exchange(bus)
            if self.online() != self._known:
                self._is_due.set()
            if not is_well:
                gevent.sleep(RETRY_SECONDS)
                self._has_changed.set()

    def _try_exchange(self, bus: RedisBus) -> bool:
        try:
            self._exchange(bus)
        except (RedisError, OSError):
            self._hub.log.debug("presence waits for Redis")
            return False
        except Exception:
            self._hub.log.exception("presence could not be exchanged")
            return False
        return True

    def _tell_always(self) -> None:
        while True:
            self._is_due.wait()
            gevent.sleep(TOGETHER_SECONDS)
            self._is_due.clear()
            try:
                self._record_leaving()
                # Before `_tell`, so that who came since the last time is told of once.
                self._hiding.tell(self._known, self.online())
                self._meetings.tell(self._known & self.online())
                self._tell()
            except Exception as error:
                if not is_unavailable(error):
                    self._hub.log.exception("presence could not be told")
                gevent.sleep(POLL_SECONDS)
                self._is_due.set()

    def _record_leaving(self) -> None:
        """Note of those who left this worker that they were here until now."""
        here = set(self._hub.users)
        left = self._mine - here
        if left:
            with self._hub.app.app_context():
                record = update(User).where(User.id.in_(left))
                db.session.execute(record.values(last_seen_at=utcnow(), updated_at=User.updated_at))
                db.session.commit()
        self._mine = here

    def _exchange(self, bus: RedisBus) -> None:
        record = f"{bus.prefix}online:{bus.me}"
        pipe = bus.client.pipeline(transaction=True)
        pipe.delete(record)
        pipe.sadd(record, NOBODY, *self._hub.users)  # with nobody else, it still says that the worker lives
        pipe.expire(record, EXPIRY_SECONDS)
        pipe.execute()
        now = time.monotonic()
        found: dict[str, tuple[set[int], float | None]] = {}
        for key in bus.client.scan_iter(match=f"{bus.prefix}online:*", count=1000):
            if key.decode() != record:
                found[key.decode()] = ({int(member) for member in bus.client.smembers(key)} - {NOBODY}, None)
        for key, (users, missing_since) in self._elsewhere.items():
            since = now if missing_since is None else missing_since
            if key not in found and now - since < GRACE_SECONDS:
                found[key] = (users, since)
        self._elsewhere = found

    def _tell(self) -> None:
        """Tell this worker's clients of whom they may know that came or went since the last time."""
        now = self.online()
        came, went = now - self._known, self._known - now
        if (came or went) and self._hub.users:
            with self._hub.reading():
                watching = watchers(came | went, set(self._hub.users))
                seen = dict(db.session.execute(select(User.id, User.last_seen_at).where(User.id.in_(went))).all())
            frames: dict[int, list[bytes]] = {}
            for user_id in came | went:
                frame = presence_frame(user_id, user_id in came, seen.get(user_id))
                for other_id in watching.get(user_id, ()):
                    frames.setdefault(other_id, []).append(frame)
            for other_id, news in frames.items():
                for connection in list(self._hub.users.get(other_id, ())):
                    if connection.may_read:
                        connection.write(b"".join(news))
        self._known = now

    def known_to(self, user_id: int) -> list[int]:
        """Who of those online *user_id* may know of, itself among them. Must run in `reading()`."""
        online = self.online() | {user_id}
        return sorted(watched(user_id, online) | {user_id})
