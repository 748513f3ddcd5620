"""Who is online, on any worker. When a worker is killed its record expires, and its users go offline."""

from __future__ import annotations

import logging
import time

import gevent
import gevent.event
from redis.exceptions import RedisError
from sqlalchemy import select, update

from backend.conversations.contacts import watched, watchers
from backend.database import is_unavailable
from backend.models import User
from backend.models.base import db, utcnow
from backend.realtime.presence.blocks import BlockedPresence
from backend.realtime.presence.introductions import PresenceIntroductions, newest_entry
from backend.realtime.presence.store import PresenceStore
from backend.realtime.runtime import Runtime
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import presence_frame
from backend.realtime.transport.registry import Registry

log = logging.getLogger("confab.realtime")

POLL_SECONDS = 1.0
COALESCE_SECONDS = 0.05
"""Changes within this time are sent together."""

RETRY_SECONDS = 0.5
OFFLINE_SECONDS = 0.5
"""How long a user must be absent from the records of all workers before others are told that the user is offline."""


class PresenceTracker:
    """The users that are online, as this worker knows them. Sends `presence` events to this worker's clients."""

    def __init__(self, runtime: Runtime, registry: Registry, store: PresenceStore):
        self._runtime = runtime
        self._registry = registry
        self._store = store
        self._elsewhere: set[int] = set()
        self._here: set[int] = set()
        self._known: set[int] = set()
        self._absent_since: dict[int, float] = {}
        self._must_exchange, self._must_send = gevent.event.Event(), gevent.event.Event()
        self.introductions = PresenceIntroductions(runtime, registry, self._must_send.set)
        self.blocks = BlockedPresence(runtime, registry, self._must_send.set)

    def online(self) -> set[int]:
        """Every user with an open socket on any worker."""
        return self._elsewhere.union(self._registry.users)

    def visible_to(self, user_id: int) -> list[int]:
        """The users online whose presence *user_id* may see, itself included. Needs a context that reads."""
        online = self.online() | {user_id}
        return sorted(watched(user_id, online) | {user_id})

    def send_online(self, connection: Connection) -> None:
        """Send *connection*, which could not read before, who is online, as `ready` does. Needs a context that reads."""
        visible = self.visible_to(connection.user_id)
        online = self.online() - {connection.user_id}  # now, because those who left meanwhile were sent as offline
        connection.write(b"".join(presence_frame(user_id, is_online=True) for user_id in visible if user_id in online))

    def start(self) -> None:
        """Begin to exchange records with the other workers, and to send events.

        Two greenlets: a database that hangs must not make this worker's record expire.
        """
        gevent.spawn(self._send_loop)
        if self._store.is_shared:
            gevent.spawn(self._exchange_loop)

    def users_changed(self) -> None:
        """A user's first socket was opened on this worker, or the last one closed.

        With other workers the records are exchanged before events are sent: the user may have moved to another worker.
        """
        (self._must_exchange if self._store.is_shared else self._must_send).set()

    # -- exchange

    def _exchange_loop(self) -> None:
        while True:
            self._must_exchange.wait(POLL_SECONDS)
            gevent.sleep(COALESCE_SECONDS)
            self._must_exchange.clear()
            is_done, online = self._exchange(), self.online()
            # A user who is absent, back, and absent again before the next send was not absent throughout.
            self._absent_since = {each: since for each, since in self._absent_since.items() if each not in online}
            if online != self._known:
                self._must_send.set()
            if not is_done:
                gevent.sleep(RETRY_SECONDS)
                self._must_exchange.set()

    def _exchange(self) -> bool:
        try:
            self._elsewhere = self._store.exchange(self._registry.users)
        except (RedisError, OSError):
            log.debug("presence could not be exchanged: Redis is away")
            return False
        except Exception:
            log.exception("presence could not be exchanged")
            return False
        return True

    # -- events

    def _send_loop(self) -> None:
        while True:
            self._must_send.wait()
            gevent.sleep(COALESCE_SECONDS)
            self._must_send.clear()
            try:
                self._record_last_seen()
                # Before `_send_changes`, so that a user who came online since the last time is sent once.
                self.blocks.send(self._known, self._known & self.online())
                self.introductions.send(self._known & self.online())
                self._send_changes()
            except Exception as error:
                if not is_unavailable(error):
                    log.exception("presence could not be sent")
                gevent.sleep(POLL_SECONDS)
                self._must_send.set()

    def _record_last_seen(self) -> None:
        """Set `last_seen_at` of the users whose last socket here was closed."""
        here = set(self._registry.users)
        gone = self._here - here
        if gone:
            with self._runtime.app_context():
                record = update(User).where(User.id.in_(gone))
                db.session.execute(record.values(last_seen_at=utcnow(), updated_at=User.updated_at))
                db.session.commit()
        self._here = here

    def _send_changes(self) -> None:
        """Send to this worker's clients who came online or went offline since the last time, where they may see it."""
        online = self.online()
        came, went = online - self._known, self._confirm_offline(self._known - online)
        if (came or went) and self._registry.users:
            with self._runtime.reading():
                newest = newest_entry()  # first, so that whoever shares a row up to it is among those watching
                watching = watchers(came | went, set(self._registry.users))
                seen = dict(db.session.execute(select(User.id, User.last_seen_at).where(User.id.in_(went))).all())
            frames: dict[int, list[bytes]] = {}
            for user_id in came | went:
                frame = presence_frame(user_id, user_id in came, seen.get(user_id))
                for other_id in watching.get(user_id, ()):
                    frames.setdefault(other_id, []).append(frame)
            for other_id, own_frames in frames.items():
                for connection in self._registry.of_user(other_id):
                    if connection.may_read:
                        connection.write(b"".join(own_frames))
            self.introductions.arrivals_sent(newest, {user_id: watching.get(user_id, ()) for user_id in came})
        self._known = self._known - went | came

    def _confirm_offline(self, absent: set[int]) -> set[int]:
        """Which of *absent* users went offline. With other workers, those who are absent for `OFFLINE_SECONDS`.

        A user whose client moved to another worker is absent until that worker has written its record.
        """
        now = time.monotonic()
        self._absent_since = {user_id: self._absent_since.get(user_id, now) for user_id in absent}
        if not self._store.is_shared:
            return absent
        confirmed = {user_id for user_id, since in self._absent_since.items() if now - since >= OFFLINE_SECONDS}
        if confirmed != absent:
            self._must_exchange.set()
            gevent.spawn_later(OFFLINE_SECONDS, self._must_send.set)
        return confirmed
