"""The composition root of the realtime server: every worker that serves sockets has one."""

from __future__ import annotations

import secrets
import threading
from _socket import socket
from collections import Counter
from typing import cast

import gevent
from flask import Flask, current_app

from backend.bus.base import Bus
from backend.bus.local import LocalBus
from backend.bus.redis import RedisBus
from backend.identity.identity import Credentials
from backend.realtime.commands import CommandHandler
from backend.realtime.heartbeat import Heartbeat
from backend.realtime.hub import Hub
from backend.realtime.presence.store import LocalPresenceStore, RedisPresenceStore
from backend.realtime.presence.tracker import PresenceTracker
from backend.realtime.reconciler import Reconciler
from backend.realtime.runtime import Runtime
from backend.realtime.transport.callbacks import ConnectionCallbacks
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.connection_limits import ConnectionLimits, ConnectionSlot
from backend.realtime.transport.registry import Registry
from backend.state import confab_state


class RealtimeServer:
    """The parts of one worker's realtime server. `start` begins its background work."""

    def __init__(self, app: Flask, bus: Bus, *, is_rate_limited: bool):
        runtime, registry = Runtime(app), Registry()
        store = RedisPresenceStore(bus) if isinstance(bus, RedisBus) else LocalPresenceStore()
        self.presence = PresenceTracker(runtime, registry, store)
        self.hub = Hub(runtime, bus, registry, self.presence, Counter())
        self.limits = ConnectionLimits(is_rate_limited)
        self.reconciler = Reconciler(self.hub)
        self.heartbeat = Heartbeat(self.hub, self.reconciler)
        commands = CommandHandler(self.hub, is_rate_limited=is_rate_limited)
        self.callbacks = ConnectionCallbacks(commands.handle_batch, self.hub.remove, registry.forget)
        self._bus = bus
        self._is_rate_limited = is_rate_limited

    def start(self) -> None:
        """Connect the hub to the bus, and begin the periodic work."""
        self._bus.start(self.hub.dispatch, self.reconciler.on_subscribed)
        gevent.spawn(self.heartbeat.run)
        self.presence.start()

    def stop(self) -> None:
        """Close every socket of this worker (1012), so that its clients connect to another."""
        self.hub.stop()

    def connect(self, sock: socket, credentials: Credentials, client_id: str, slot: ConnectionSlot) -> Connection:
        """A connection over *sock*, whose opening handshake was answered."""
        uid = secrets.token_hex(6)
        return Connection(
            sock, credentials, client_id, uid, self.callbacks, slot, is_rate_limited=self._is_rate_limited
        )


def make_bus(redis_url: str | None) -> Bus:
    """The bus of an application: over Redis where *redis_url* is set, else within this process."""
    return RedisBus(redis_url) if redis_url else LocalBus()


_creating = threading.Lock()


def realtime_server(app: Flask) -> RealtimeServer:
    """The realtime server of *app* in this worker. The first call, with the first socket, starts it."""
    server = running_server(app)
    if server is None:
        with _creating:
            server = running_server(app)
            if server is None:
                whole: Flask = app._get_current_object() if app is current_app else app  # type: ignore[attr-defined]
                bus = cast(Bus, confab_state(app).bus)
                server = RealtimeServer(whole, bus, is_rate_limited=app.config["CONFAB"].rate_limits)
                server.start()
                confab_state(app).realtime = server
    return server


def running_server(app: Flask) -> RealtimeServer | None:
    """The realtime server of *app* in this worker, or None where no socket was opened yet."""
    return cast("RealtimeServer | None", confab_state(app).realtime)
