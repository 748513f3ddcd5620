"""The functions that a connection calls. It depends on nothing else of the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.realtime.transport.connection import Connection


@dataclass(frozen=True, slots=True)
class ConnectionCallbacks:
    """The functions that a connection calls. All connections of a worker share one object."""

    on_frames: Callable[[Connection, list[bytes]], None]
    """Handle a batch of text frames, in order. Runs in a greenlet; the next batch follows when it returns."""

    on_closing: Callable[[Connection, int], None]
    """The connection was closed, with this code: it handles and writes nothing more. Called once."""

    on_closed: Callable[[Connection], None]
    """The connection's socket was closed. Safe to repeat."""
