"""`flask attachments ...`."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from backend.attachments.sweeping import sweep_all

attachments = AppGroup("attachments", help="Attachments of messages.")


@attachments.command("sweep")
def sweep() -> None:
    """Delete unsent attachments and the remains of crashes, and compare every row with its file.

    The server does the same every hour for recent files. The exit code is 1 if files of sent attachments are missing, or if
    something could not be removed.
    """
    done = sweep_all()
    click.echo(
        f"deleted {done.stray_files} files without a row, {done.incomplete_files} incomplete files"
        f" and {done.lost_rows} rows without a file"
    )
    if done.lost_files:
        click.echo(
            f"{done.lost_files} sent attachments lack their file or thumbnail. Restore the storage from a backup.",
            err=True,
        )
    if not done.is_complete:
        click.echo("Some attachments could not be removed. See the log, and run this command again.", err=True)
    if done.lost_files or not done.is_complete:
        sys.exit(1)
