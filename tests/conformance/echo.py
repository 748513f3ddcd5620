"""Confab whose sockets send back what they hear, as Autobahn's cases want it.

The way in, the framing, the order of work and the end are Confab's own. Only what is done with a frame differs, and nothing
is said unasked: no `ready`, no ping.
"""

from __future__ import annotations

from typing import Any

from websockets.frames import Frame, Opcode

from backend import create_app
from backend.realtime import heartbeat
from backend.realtime.commands import CommandHandler
from backend.realtime.gateway import _Opening
from backend.realtime.transport import connection
from backend.realtime.transport.connection import Connection

NEVER = 86_400


def echo(_self: CommandHandler, client: Connection, batch: list[bytes]) -> None:
    """Send every message back."""
    client.write(b"".join(Frame(Opcode.TEXT, data).serialize(mask=False) for data in batch))


def begin(_self: Any, client: Connection) -> None:
    """Let the client speak."""
    client.begin(b"")


CommandHandler.handle_batch = echo  # type: ignore[method-assign]
_Opening._open = begin  # type: ignore[method-assign]
heartbeat.HEARTBEAT_SECONDS = connection.HEARTBEAT_SECONDS = NEVER
app = create_app()
