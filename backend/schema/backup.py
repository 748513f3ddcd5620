"""Backup and restoration of both kinds of database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from click import ClickException
from sqlalchemy import make_url

from backend.schema.copies import copy_file, publish

SQLITE_MAGIC = b"SQLite format 3\0"


def back_up(url: str, target: Path, snapshot: str | None = None) -> None:
    """Write a consistent copy of the whole database to *target*, also while it is in use. Only the owner can read the file.

    *snapshot* names a snapshot of PostgreSQL that an open transaction exported. Raises ClickException.
    """
    if target.exists():
        raise ClickException(f"{target} already exists. Nothing was written.")
    draft = target.with_name(f".{target.name}.part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        if url.startswith("sqlite"):
            copy_file(_sqlite_file(url), draft)
        else:
            options = [f"--snapshot={snapshot}"] if snapshot else []
            _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}", *options)
        publish(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def restore(url: str, source: Path) -> None:
    """Replace the current database by that of *source*, completely or not at all.

    Nothing else may use the database meanwhile. Raises ClickException.
    """
    check_backup(source, is_sqlite=url.startswith("sqlite"))
    if url.startswith("sqlite"):
        _restore_sqlite(_sqlite_file(url), source)
        return
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", url, *options, str(source), dbname=True)


def check_backup(source: Path, *, is_sqlite: bool) -> None:
    """Raise ClickException if *source* is not a whole backup of this kind, or pg_restore cannot read it."""
    with source.open("rb") as file:
        has_magic = file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    if is_sqlite != has_magic:
        raise ClickException(
            f"{source} is not a backup of a {'SQLite' if is_sqlite else 'PostgreSQL'} database. Nothing was changed."
        )
    if not is_sqlite:
        _execute("pg_restore", "--list", str(source), remedy="Nothing was changed.")
        return
    with closing(sqlite3.connect(source)) as backup:
        if not _is_whole(backup):
            raise ClickException(f"{source} is damaged. Nothing was changed.")


def _restore_sqlite(path: Path, source: Path) -> None:
    with closing(sqlite3.connect(source)) as backup:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=5)) as live:
            try:
                backup.backup(live)
            except sqlite3.OperationalError as error:
                raise ClickException(f"The database is in use ({error}). Stop the server first.") from None


def _is_whole(connection: sqlite3.Connection) -> bool:
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _sqlite_file(url: str) -> Path:
    return Path(make_url(url).database or "")


def _run(program: str, url: str, *options: str, dbname: bool = False) -> None:
    """Run a client program of PostgreSQL. The password is in a file, because every user can list processes."""
    address = make_url(url).set(drivername="postgresql")
    with tempfile.NamedTemporaryFile("w", prefix="confab-") as passwords:  # mode 600
        if address.password:
            escaped = str(address.password).replace("\\", "\\\\").replace(":", "\\:")
            passwords.write(f"*:*:*:*:{escaped}\n")
            passwords.flush()
            address = address.set(password=None).update_query_dict({"passfile": passwords.name})
        target = f"--dbname={address.render_as_string(hide_password=False)}"
        _execute(program, target, *options, remedy="Nothing was changed." if dbname else "")


def _execute(program: str, *options: str, remedy: str = "") -> None:
    found = shutil.which(program)
    if found is None:
        raise ClickException(f"{program} is not installed. Install PostgreSQL's client programs. {remedy}".strip())
    done = subprocess.run([found, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{program} failed"]
        raise ClickException(f"{lines[0]} {remedy}".strip())
