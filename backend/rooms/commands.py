"""`flask rooms`: maintenance of rooms."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from backend.rooms.purge import list_unpurged, purge_room

rooms = AppGroup("rooms", help="Maintenance of rooms.")


@rooms.command("purge")
def purge() -> None:
    """Delete the remaining messages of deleted rooms."""
    waiting = list_unpurged()
    for room_id in waiting:
        purge_room(room_id)
    click.echo(f"purged {len(waiting)} deleted rooms")
