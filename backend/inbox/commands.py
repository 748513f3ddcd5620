"""`flask messages ...`: what can be asked about all that was said."""

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
    looked_at = wrong = 0
    for count, faults in check_consistency():
        looked_at += count
        wrong += len(faults)
        for fault in faults:
            click.echo(fault)
        click.echo(f"{looked_at} conversations", err=True)
    if wrong:
        raise click.ClickException(f"{wrong} faults. Restore what was changed by hand, or from a backup.")
    click.echo(f"{looked_at} conversations are numbered without gaps, and their unread counts are right.")


@messages.command("reindex")
def reindex() -> None:
    """Build the index of search anew, while the server goes on serving. A run that was interrupted is repeated."""
    for message_id, last_id in search.reindex():
        click.echo(f"messages up to id {message_id} of {last_id}", err=True)
    click.echo("Every message is in the index.")
