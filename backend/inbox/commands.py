"""`flask messages`: commands for messages, from the command line."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from backend.inbox.consistency import check_consistency
from backend.messages import search

messages = AppGroup("messages", help="Messages and their numbers.")


@messages.command("verify")
def verify() -> None:
    """Check numbers, counts, marks and the index of search against the rows. Exit 1 where one is wrong."""
    conversations = checked = wrong = 0
    for progress in check_consistency():
        conversations += progress.conversations
        checked += progress.messages
        wrong += len(progress.faults)
        for fault in progress.faults:
            click.echo(fault)
        indexed = f", search index up to message {progress.indexed_up_to}" if progress.indexed_up_to else ""
        click.echo(f"{conversations} conversations, {checked} messages{indexed}", err=True)
    if wrong:
        raise click.ClickException(
            f"{wrong} faults. Undo manual changes of the database, or restore a backup. If only the index of search is wrong, "
            "run: flask messages reindex"
        )
    click.echo(f"{conversations} conversations have no gaps in their numbers, and their unread counts are right.")
    click.echo(
        f"{checked} messages agree with their mentions, reactions, replies, files and pins, and search finds them."
    )


@messages.command("reindex")
def reindex() -> None:
    """Rebuild the search index while the server runs. Repeat the command after an interruption."""
    for message_id, last_id in search.reindex():
        click.echo(f"messages up to id {message_id} of {last_id}", err=True)
    click.echo("Every message is in the index.")
