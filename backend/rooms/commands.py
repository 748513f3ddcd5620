"""`flask rooms`: maintenance of rooms."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from backend.models.base import db
from backend.rooms.purge import list_unpurged, purge_room
from backend.traces import COMMAND_PATIENCE, wipe_traces

rooms = AppGroup("rooms", help="Maintenance of rooms.")


@rooms.command("purge")
def purge() -> None:
    """Delete the remaining messages of deleted rooms, and wipe their traces from the file of a SQLite database."""
    waiting = list_unpurged()
    for room_id in waiting:
        purge_room(room_id)
    db.session.rollback()  # if nothing was left, this session still holds a lock that the wiping needs
    if waiting and not wipe_traces(db.engine, COMMAND_PATIENCE):
        raise click.ClickException(
            "the rooms are purged, but the database is in use, so its file may still hold deleted data. "
            "Try again later with: flask users purge"
        )
    click.echo(f"purged {len(waiting)} deleted rooms")
