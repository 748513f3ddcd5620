"""Confab whose sockets send every message back, as Autobahn's cases require.

The opening, the framing, the order of frames and the closing are Confab's own. Only the handling of a frame differs, and the
server sends neither `ready` nor pings.
"""

from __future__ import annotations

from typing import Any

from websockets.frames import Frame, Opcode

from backend import create_app
from backend.realtime import heartbeat
from backend.realtime.commands import CommandHandler
from backend.realtime.gateway import Opening
from backend.realtime.transport import connection
from backend.realtime.transport.connection import Connection

NEVER = 86_400


def echo(_self: CommandHandler, client: Connection, batch: list[bytes]) -> None:
    """Send every message back."""
    client.write(b"".join(Frame(Opcode.TEXT, data).serialize(mask=False) for data in batch))


def begin(_self: Any, client: Connection) -> None:
    """Begin to read the client's frames, without `ready`."""
    client.begin(b"")


CommandHandler.handle_batch = echo  # type: ignore[method-assign]
Opening.open = begin  # type: ignore[method-assign]
heartbeat.HEARTBEAT_SECONDS = connection.HEARTBEAT_SECONDS = NEVER
app = create_app()
