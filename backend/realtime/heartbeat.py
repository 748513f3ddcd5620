"""What a hub does by the clock: compare with the database, beat hearts, end what has no right to go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import gevent

from backend.database import is_unavailable
from backend.models.base import utcnow
from backend.realtime.delivery import history
from backend.realtime.hub import Hub
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import HEARTBEAT_SECONDS, Close

TICK_SECONDS = 0.5
"""How often the hub is compared with the database: a lost hint, or a right that ended, costs at most that."""


class Ticker:
    """The periodic work of one hub."""

    def __init__(self, hub: Hub, steps: Sequence[Callable[[], None]] = ()):
        self.hub = hub
        self.steps = [self.sweep, self.check_all_rights, *steps]
        hub.on_revoked = self.check_rights

    def run(self) -> None:
        """Tick until the worker ends. Whatever fails is tried again at the next tick."""
        while True:
            started = time.monotonic()
            for step in self.steps:
                self._try(step)
            gevent.sleep(max(0.05, TICK_SECONDS - (time.monotonic() - started)))

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            if is_unavailable(error):
                self.hub.log.warning("the database is away; sockets stay, and catch up when it is back")
            else:
                self.hub.log.exception("a tick failed")

    def sweep(self) -> None:
        """Beat every heart once in 25 s, end the silent and the expired, and let go of those that do not say goodbye."""
        now, today = time.monotonic(), utcnow()
        self.hub.typing.end_late()
        for connection in self.hub.connections:
            if connection.right.expires_at is not None and connection.right.expires_at <= today:
                connection.close(Close.UNAUTHORIZED)
            elif now - connection.heard_at > 2 * HEARTBEAT_SECONDS:
                connection.close(Close.HEARTBEAT_MISSED)
            elif now - connection.pinged_at >= HEARTBEAT_SECONDS:
                connection.ping(now)
        for connection, deadline in list(self.hub.closing.items()):
            if now > deadline:
                connection.late()

    def check_all_rights(self) -> None:
        """Close the sockets whose session, token or user has ended, where nobody said so."""
        self.check_rights(self.hub.connections)

    def check_rights(self, connections: Sequence[Connection]) -> None:
        """Close those of *connections* that have no right to be open any more (4401)."""
        if not connections:
            return
        with self.hub.reading():
            ended = history.without_right([connection.right for connection in connections])
        for connection in connections:
            if (connection.right.session_id, connection.right.api_token_id) in ended:
                connection.close(Close.UNAUTHORIZED)
