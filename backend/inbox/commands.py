"""`flask messages`: commands for messages, from the command line."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from backend.database import read_only
from backend.inbox.consistency import check_consistency
from backend.messages import search

messages = AppGroup("messages", help="Messages and their numbers.")


@messages.command("verify")
def verify() -> None:
    """Check every conversation's numbers and every unread count against the rows. Exit 1 where one is wrong."""
    read_only()
    checked = wrong = 0
    for count, faults in check_consistency():
        checked += count
        wrong += len(faults)
        for fault in faults:
            click.echo(fault)
        click.echo(f"{checked} conversations", err=True)
    if wrong:
        raise click.ClickException(f"{wrong} faults. Undo manual changes of the database, or restore a backup.")
    click.echo(f"{checked} conversations have no gaps in their numbers, and their unread counts are right.")


@messages.command("reindex")
def reindex() -> None:
    """Rebuild the search index while the server runs. Repeat the command after an interruption."""
    for message_id, last_id in search.reindex():
        click.echo(f"messages up to id {message_id} of {last_id}", err=True)
    click.echo("Every message is in the index.")
