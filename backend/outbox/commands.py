"""`flask outbox ...`: the messages to be sent."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from backend.outbox.queue import status
from backend.state import confab_state

outbox = AppGroup("outbox", help="Text messages and mail that are to be sent.")


@outbox.command("drain")
def drain() -> None:
    """Send all messages that are due, and exit."""
    outbox = confab_state().outbox
    for notice in outbox.notices:
        click.echo(f"Warning: {notice}", err=True)
    counts = outbox.drain()
    click.echo(f"sent {counts['sms']} sms and {counts['mail']} mail")


@outbox.command("status")
def show_status() -> None:
    """Print how many messages are pending or failing, and how many were sent or given up within a week."""
    for line in status():
        kind = line.pop("kind")
        click.echo(f"{kind}: " + ", ".join(f"{name} {count}" for name, count in line.items()))
