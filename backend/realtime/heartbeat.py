"""The periodic work of a worker's realtime server: pings, expiry, revoked credentials, and reconciliation."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent

from backend.database import is_unavailable
from backend.models.base import utcnow
from backend.realtime.hub import Hub
from backend.realtime.reconciler import Reconciler
from backend.realtime.transport.frames import HEARTBEAT_SECONDS, Close

log = logging.getLogger("confab.realtime")

TICK_SECONDS = 0.5
"""The interval of reconciliation. A lost event is delayed, and a socket outlives its credentials, by at most this time."""

LATE_SECONDS = 1.0
"""A tick that begins this much later than planned is logged: sockets outlived their credentials for longer than promised."""


class Heartbeat:
    """Runs the periodic steps of one worker."""

    def __init__(self, hub: Hub, reconciler: Reconciler):
        self._hub = hub
        self._steps: tuple[Callable[[], None], ...] = (
            self.sweep,
            self.check_sessions,
            reconciler.reconcile,
            reconciler.reconcile_subscriptions,
            hub.retry_subscriptions,
        )

    def run(self) -> None:
        """Run every step each `TICK_SECONDS`, until the worker ends. A step that failed runs again at the next tick."""
        planned = time.monotonic()
        while True:
            started = time.monotonic()
            if started - planned > LATE_SECONDS:
                log.warning(
                    "the checks of the sockets began %.1f s late: the database was slow, or this worker was blocked",
                    started - planned,
                )
            planned = started + TICK_SECONDS
            for step in self._steps:
                self._try(step)
            gevent.sleep(max(0.05, planned - time.monotonic()))

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            if is_unavailable(error):
                log.warning("the database is away; sockets stay open, and catch up when it is back")
            else:
                log.exception("a step of the heartbeat failed")

    def sweep(self) -> None:
        """Ping every socket every 25 s. Close those that are silent or whose token expired. Drop those that do not close."""
        now, today = time.monotonic(), utcnow()
        self._hub.typing.expire()
        registry = self._hub.registry
        connections = registry.connections
        for connection in connections:
            expires_at = connection.credentials.expires_at
            if expires_at is not None and expires_at <= today:
                connection.close(Close.UNAUTHORIZED)
            elif now - connection.received_at > 2 * HEARTBEAT_SECONDS:
                connection.close(Close.HEARTBEAT_MISSED)
            elif now - connection.pinged_at >= HEARTBEAT_SECONDS:
                connection.ping(now)
        for connection in {*connections, *registry.closing}:
            if connection.deadline is not None and now > connection.deadline:
                connection.on_deadline()

    def check_sessions(self) -> None:
        """Close the sockets whose session, token or user is no longer active, in case the event about it was lost."""
        self._hub.session_checks.close_revoked(self._hub.registry.connections)
