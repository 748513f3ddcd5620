"""Refused frames and refused openings of sockets in the log."""

from __future__ import annotations

import logging

from backend.errors import ChatError
from backend.realtime.transport.connection import Connection
from backend.refusals import REFUSALS
from backend.request_context import address, network


def log_refused_frame(connection: Connection, error: ChatError) -> None:
    """Log that a frame of *connection* was refused with *error*. A failure of the server is no refusal.

    Repeats count by user and code, because a client that opens a socket again and again must not get more lines.
    """
    if error.status < 500:
        REFUSALS.write(
            ("frame", connection.user_id, error.code),
            logging.INFO,
            event="frame.refused",
            code=error.code,
            user_id=connection.user_id,
            address=connection.slot.address if connection.slot is not None else None,
            connection_id=connection.uid,
        )


def log_refused_opening(error: ChatError) -> None:
    """Log that the present request may not open a socket."""
    REFUSALS.write(
        ("socket", network(), error.code),
        logging.WARNING,
        event="socket.refused",
        code=error.code,
        user_id=None,
        address=address(),
    )
