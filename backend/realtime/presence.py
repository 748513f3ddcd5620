"""Who is online, on any worker. A worker that dies takes its users with it when its record expires."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gevent
from redis.exceptions import RedisError
from sqlalchemy import select, update
from sqlalchemy.orm import aliased

from backend.models import ConversationEntry, User
from backend.models.base import db, utcnow
from backend.models.conversation import LOBBY
from backend.realtime.bus import RedisBus
from backend.realtime.hub import Hub
from backend.realtime.protocol import text_frame

POLL_SECONDS = 1.0
EXPIRY_SECONDS = 6
"""How long a worker's record outlives it: its users are offline at the latest that long after it was killed."""


class Presence:
    """The users that are online, as this worker knows them, and the telling of changes to its own clients."""

    def __init__(self, hub: Hub, bus: Any):
        self._hub = hub
        self._redis: RedisBus | None = bus if isinstance(bus, RedisBus) else None
        self._elsewhere: dict[str, set[int]] = {}
        self._known: set[int] = set()
        self._is_due = False
        hub.on_presence = self.changed

    def online(self) -> set[int]:
        """Every user with an open socket on any worker."""
        return set(self._hub.users).union(*self._elsewhere.values())

    def changed(self, user_id: int) -> None:
        """A user of this worker came or went. Changes that come together are told together."""
        if not self._is_due:
            self._is_due = True
            gevent.spawn_later(0.05, self._settle)

    def run(self) -> None:
        """Exchange records with the other workers for as long as this one lives."""
        while self._redis is not None:
            try:
                self._exchange(self._redis)
            except (RedisError, OSError):
                self._hub.log.debug("presence waits for Redis")
            except Exception:
                self._hub.log.exception("presence failed")
            gevent.sleep(POLL_SECONDS)

    def _settle(self) -> None:
        self._is_due = False
        if self._redis is not None:
            try:
                self._exchange(self._redis)
                return
            except (RedisError, OSError):
                self._hub.log.debug("presence waits for Redis")
        self._tell()

    def _exchange(self, bus: RedisBus) -> None:
        mine = sorted(self._hub.users)
        pipe = bus.client.pipeline(transaction=True)
        record = f"{bus.prefix}online:{bus.me}"
        pipe.delete(record)
        if mine:
            pipe.sadd(record, *mine)
            pipe.expire(record, EXPIRY_SECONDS)
        pipe.execute()
        found: dict[str, set[int]] = {}
        for key in bus.client.scan_iter(match=f"{bus.prefix}online:*", count=1000):
            if key.decode() != record:
                found[key.decode()] = {int(member) for member in bus.client.smembers(key)}
        self._elsewhere = found
        self._tell()

    def _tell(self) -> None:
        """Tell this worker's clients of whom they may know that came or went since the last time."""
        now = self.online()
        came, went = now - self._known, self._known - now
        self._known = now
        if not (came or went) or not self._hub.users:
            return
        with self._hub.reading():
            acquainted = _acquaintances(came | went, set(self._hub.users))
            seen = dict(db.session.execute(select(User.id, User.last_seen_at).where(User.id.in_(went))).all())
        for user_id in came | went:
            is_online = user_id in came
            body = {
                "type": "presence",
                "user_id": user_id,
                "status": "online" if is_online else "offline",
                "last_seen_at": None if is_online else seen.get(user_id),
            }
            frame = text_frame(body)
            for other_id in acquainted.get(user_id, ()):
                for connection in list(self._hub.users.get(other_id, ())):
                    connection.write(frame)

    def known_to(self, user_id: int) -> list[int]:
        """Who of those online *user_id* may know of, itself among them. Must run in `reading()`."""
        online = self.online()
        online.add(user_id)
        known = _acquaintances({user_id}, online).get(user_id, set())
        return sorted(known | {user_id})


def record_last_seen(user_id: int) -> None:
    """Note that *user_id* was here until now."""
    db.session.execute(update(User).where(User.id == user_id).values(last_seen_at=utcnow(), updated_at=User.updated_at))
    db.session.commit()


def _acquaintances(of: Collection[int], among: Collection[int]) -> dict[int, set[int]]:
    """For each user in *of*, those *among* others who share a room or a direct conversation with it."""
    if len(of) > len(among):
        turned: dict[int, set[int]] = {}
        for other_id, known in _acquaintances(among, of).items():
            for user_id in known:
                turned.setdefault(user_id, set()).add(other_id)
        return turned
    mine, theirs = aliased(ConversationEntry), aliased(ConversationEntry)
    statement = (
        select(mine.user_id, theirs.user_id)
        .join(theirs, theirs.conversation_id == mine.conversation_id)
        .where(mine.user_id.in_(of), theirs.user_id != mine.user_id, mine.conversation_id != LOBBY)
        .distinct()
    )
    found: dict[int, set[int]] = {}
    for user_id, other_id in db.session.execute(statement):
        if other_id in among:
            found.setdefault(user_id, set()).add(other_id)
    return found
