"""A realtime server without sockets or other workers, and a connection that records what is written to it."""

from __future__ import annotations

from typing import Any

from flask import Flask

from backend.bus.local import LocalBus
from backend.realtime.hub import Hub
from backend.realtime.server import RealtimeServer


def make_server(app: Flask | None = None, *, is_rate_limited: bool = False) -> RealtimeServer:
    """A server that was not started: no greenlet runs, and no event comes from a bus."""
    given: Any = app
    return RealtimeServer(given, LocalBus(), is_rate_limited=is_rate_limited)


class Recorder:
    """The part of a connection that events are written to."""

    def __init__(self, user_id: int, uid: str = "", log: list[tuple[str, bytes]] | None = None):
        self.user_id, self.uid = user_id, uid or str(user_id)
        self.is_open = self.may_read = True
        self.written: list[bytes] = []
        self._log = log

    def write(self, data: bytes) -> None:
        """Record *data*, and add it under this connection's uid to the log that several recorders share."""
        self.written.append(data)
        if self._log is not None:
            self._log.append((self.uid, data))


def register(hub: Hub, *recorders: Recorder) -> None:
    """Make *recorders* open connections of *hub*'s worker."""
    for recorder in recorders:
        connection: Any = recorder
        hub.registry.users.setdefault(recorder.user_id, set()).add(connection)


def subscribe(hub: Hub, name: str, *recorders: Recorder) -> None:
    """Subscribe *recorders* to a conversation, from its beginning."""
    channel = hub.channels.open(name, 0, 0)
    for recorder in recorders:
        connection: Any = recorder
        channel.add_subscriber(connection, 0)
