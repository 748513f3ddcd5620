"""Copies of a SQLite database that is in use."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import click
from sqlalchemy import Connection

KEPT = 3


def copy_file(source: Path, target: Path) -> None:
    """Copy a database with SQLite's online backup. The copy is consistent, even if others write meanwhile."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as origin,
        closing(sqlite3.connect(target)) as copy,
    ):
        origin.backup(copy)


def publish(draft: Path, target: Path) -> None:
    """Give the complete file *draft* the name *target*. Raises ClickException if *target* exists, and then changes nothing."""
    try:
        os.link(draft, target)  # unlike a rename, it never replaces a file
    except OSError:
        if target.exists():
            raise click.ClickException(f"{target} already exists. Nothing was written.") from None
        draft.rename(target)  # this file system has no links


def keep_copy(connection: Connection, revision: str) -> Path | None:
    """Copy the file of *connection* to `<file>.before-<revision>`, and delete all but the newest copies.

    An empty database is not copied.
    """
    path = Path(connection.engine.url.database or "")
    if not path.name or not path.exists():
        return None
    if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
        return None
    target = path.with_name(f"{path.name}.before-{revision}")
    draft = target.with_name(f"{target.name}.part")
    draft.unlink(missing_ok=True)
    copy_file(path, draft)
    draft.chmod(path.stat().st_mode & 0o777)
    draft.replace(target)
    click.echo(f"Copied the database to {target} before changing it.")
    copies = sorted(path.parent.glob(f"{path.name}.before-*"), key=lambda copy: copy.stat().st_mtime)
    for old in copies[:-KEPT]:
        old.unlink()
    return target
