"""Backup and restoration of both kinds of database, and the move from SQLite to PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click import ClickException
from sqlalchemy import Connection, Engine, make_url

from backend.models import SearchVersion
from backend.models.base import Base
from backend.schema.copies import copy_file
from backend.schema.legacy_import.source import insert
from backend.schema.legacy_import.users import restart_ids
from backend.schema.revisions import current_revisions, head_revision
from backend.search.index import index_missing
from backend.search.version import record_version

BATCH = 2000
SQLITE_MAGIC = b"SQLite format 3\0"


def back_up(url: str, target: Path) -> None:
    """Write a consistent copy of the whole database to *target*, also while it is in use. Only the owner can read the file.

    Raises ClickException.
    """
    if target.exists():
        raise ClickException(f"{target} already exists. Nothing was written.")
    draft = target.with_name(f".{target.name}.part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        if url.startswith("sqlite"):
            copy_file(_sqlite_file(url), draft)
        else:
            _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
        os.link(draft, target)
    except FileExistsError:
        raise ClickException(f"{target} already exists. Nothing was written.") from None
    finally:
        draft.unlink(missing_ok=True)


def restore(url: str, source: Path) -> None:
    """Replace the current database by that of *source*, completely or not at all.

    Nothing else may use the database meanwhile. Raises ClickException.
    """
    with source.open("rb") as file:
        is_sqlite = file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    if is_sqlite != url.startswith("sqlite"):
        kind = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
        raise ClickException(f"{source} is not a backup of a {kind} database.")
    if is_sqlite:
        _restore_sqlite(_sqlite_file(url), source)
        return
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", url, *options, str(source), dbname=True)


def _restore_sqlite(path: Path, source: Path) -> None:
    with closing(sqlite3.connect(source)) as backup:
        if not _is_whole(backup):
            raise ClickException(f"{source} is damaged. Nothing was changed.")
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
    found = shutil.which(program)
    if found is None:
        raise ClickException(f"{program} is not installed. Install PostgreSQL's client programs.")
    address = make_url(url).set(drivername="postgresql")
    with tempfile.NamedTemporaryFile("w", prefix="confab-") as passwords:  # mode 600
        if address.password:
            escaped = str(address.password).replace("\\", "\\\\").replace(":", "\\:")
            passwords.write(f"*:*:*:*:{escaped}\n")
            passwords.flush()
            address = address.set(password=None).update_query_dict({"passfile": passwords.name})
        target = f"--dbname={address.render_as_string(hide_password=False)}"
        done = subprocess.run([found, target, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{program} failed"]
        raise ClickException(f"{lines[0]} Nothing was changed." if dbname else lines[0])


def move(source: Engine, target: Engine, tell: Callable[[str], None]) -> None:
    """Copy every row from SQLite to an empty PostgreSQL database at head, in one transaction, and verify the copy.

    The source is read in one transaction and not changed. Raises ClickException.
    """
    with source.connect() as origin, target.connect() as destination:
        origin.exec_driver_sql("SELECT count(*) FROM alembic_version")  # begins the transaction that all reads share
        _check(origin, destination)
        destination.rollback()
        with destination.begin():
            destination.exec_driver_sql("SET LOCAL statement_timeout = 0")
            destination.execute(sa.text("DELETE FROM conversations"))
            for table in Base.metadata.sorted_tables:
                if table.info.get("is_derived"):
                    continue
                insert(destination, table, _rows(origin, table))
                count, digest = fingerprint(origin, table)
                if (count, digest) != fingerprint(destination, table):
                    raise ClickException(f"The copy of {table.name} differs from the original. Nothing was moved.")
                tell(f"{table.name}: {count} rows moved and verified")
                if "id" in table.c and isinstance(table.c.id.type, sa.Integer):
                    restart_ids(destination, table.name, _highest(origin, table.name))
            for _ in index_missing(destination):
                pass
            record_version(destination)


def refuse_strangers(connection: Connection) -> None:
    """Raise ClickException if the target has tables of another program or revision."""
    existing = set(sa.inspect(connection).get_table_names())
    if existing & set(Base.metadata.tables) and current_revisions(connection) != (head_revision(),):
        raise ClickException(
            "The target is not empty: it has tables of another program or revision. Nothing was moved."
        )


def _check(origin: Connection, destination: Connection) -> None:
    head = (head_revision(),)
    if current_revisions(origin) != head:
        raise ClickException("The SQLite database is not at head. Run: flask db upgrade")
    if current_revisions(destination) != head:
        raise ClickException("The target is not at head. Nothing was moved.")
    for table in Base.metadata.sorted_tables:
        if table.name == SearchVersion.__tablename__:
            continue  # the migrations fill it
        kept = sa.select(sa.literal(1)).select_from(table)
        if table.name == "conversations":
            kept = kept.where(sa.or_(table.c.id != "lobby", table.c.last_modseq > 0))
        if destination.execute(kept.limit(1)).first() is not None:
            raise ClickException(f"The target is not empty: it has rows in {table.name}. Nothing was moved.")


def _rows(connection: Connection, table: sa.Table) -> Iterator[dict[str, Any]]:
    statement = sa.select(table).order_by(*table.primary_key.columns)
    for row in connection.execute(statement, execution_options={"yield_per": BATCH}).mappings():
        yield {name: _portable(table.c[name], value) for name, value in row.items()}


def _portable(column: sa.Column[Any], value: Any) -> Any:
    return json.dumps(value) if isinstance(column.type, sa.JSON) and value is not None else value


def _highest(connection: Connection, table: str) -> int:
    statement = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    return int(connection.scalar(statement, {"table": table}) or 0)


def fingerprint(connection: Connection, table: sa.Table) -> tuple[int, str]:
    """The number of rows of *table*, and a hash of them that is the same on both databases."""
    digest, count = hashlib.sha256(), 0
    for row in _sorted_rows(connection, table):
        count += 1
        digest.update("\x1f".join(_canonical(value) for value in row).encode("utf-8", "surrogatepass") + b"\x1e")
    return count, digest.hexdigest()


def _sorted_rows(connection: Connection, table: sa.Table) -> Iterator[Any]:
    key = list(table.primary_key.columns)
    # Text is sorted by bytes, whatever the collation of the database.
    order = [
        sa.collate(c, "C") if connection.dialect.name == "postgresql" and isinstance(c.type, sa.String) else c
        for c in key
    ]
    yield from connection.execute(sa.select(table).order_by(*order), execution_options={"yield_per": BATCH})


def _canonical(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return repr(value)
