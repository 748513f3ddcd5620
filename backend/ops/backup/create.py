"""Creation of a backup, while the server runs: first a snapshot of the database, then the files that its rows name."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import flask_migrate
import sqlalchemy as sa
from click import ClickException
from flask import current_app
from sqlalchemy import Connection

from backend.database import snapshot
from backend.models.base import db
from backend.ops.backup import secrets_file
from backend.ops.backup.archive import (
    FACTS,
    FILES,
    FORMAT,
    POSTGRESQL_DATABASE,
    SECRETS,
    SQLITE_DATABASE,
    ArchiveWriter,
    Facts,
    facts_json,
)
from backend.ops.backup.files import file_keys, open_file
from backend.ops.backup.progress import Progress, say
from backend.ops.backup.tables import count_rows
from backend.schema.backup import back_up
from backend.schema.copies import publish
from backend.schema.move import copy_rows
from backend.schema.revisions import current_revision, head_revision
from backend.settings import VERSION
from backend.state import confab_state
from backend.storage import FileMissing, storage
from config import Config
from private_files import work_folder


@dataclass(frozen=True)
class Snapshot:
    """A consistent copy of the database in a file, what it is of, and the keys of its files, one a line."""

    path: Path
    member: str
    facts: Facts
    keys: IO[bytes]


def create_backup(target: Path, *, is_portable: bool) -> list[str]:
    """Write database, uploads and secrets to the archive *target*. Returns the keys of files that the storage does not have.

    Raises ClickException, StorageAway and errors of SQLAlchemy, and then *target* does not exist.
    """
    config: Config = current_app.config["CONFAB"]
    if target.exists():
        raise ClickException(f"{target} already exists. Nothing was written.")
    with work_folder(target.with_name(f".{target.name}.part")) as folder, tempfile.TemporaryFile() as keys:
        copy = copy_database(config, folder, keys, is_portable)
        draft = folder / "archive"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            missing = _write(file, config, copy, is_compressed=target.name.endswith("gz"))
            file.flush()
            os.fsync(file.fileno())
        publish(draft, target)
    return missing


def _write(file: IO[bytes], config: Config, copy: Snapshot, *, is_compressed: bool) -> list[str]:
    created_at = datetime.fromisoformat(copy.facts.created_at).timestamp()
    with ArchiveWriter(file, is_compressed=is_compressed, modified_at=created_at) as archive:
        archive.add_bytes(FACTS, facts_json(copy.facts))
        archive.add_bytes(SECRETS, secrets_file.render(secrets_file.secrets_of(config)).encode())
        with copy.path.open("rb") as database:
            archive.add(copy.member, copy.path.stat().st_size, database)
        copy.path.unlink()
        missing = _add_files(archive, copy)
        archive.finish()
    return missing


def _add_files(archive: ArchiveWriter, copy: Snapshot) -> list[str]:
    missing, progress = [], Progress("Adding files", copy.facts.files)
    for line in copy.keys:
        key = line.decode().rstrip("\n")
        try:
            size, source = open_file(storage(), key)
        except FileMissing:
            missing.append(key)
            archive.add_missing(FILES + key)
            continue
        with source:
            archive.add(FILES + key, size, source)
        progress.add(size)
    return missing


def copy_database(config: Config, folder: Path, keys: IO[bytes], is_portable: bool) -> Snapshot:
    """Copy the database, as it is at one moment, to a file in *folder*, and write the keys of its files to *keys*."""
    say("Copying the database …")
    path = folder / "database"
    if config.is_embedded:
        back_up(config.database_url, path)
        with _opened(path) as connection:
            facts = _describe(connection, keys, config)
        return Snapshot(path, SQLITE_DATABASE, facts, keys)
    with snapshot(db.engine) as connection:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        facts = _describe(connection, keys, config)
        if is_portable or shutil.which("pg_dump") is None:
            _export(config, connection, path)
            return Snapshot(path, SQLITE_DATABASE, facts, keys)
        back_up(config.database_url, path, connection.scalar(sa.text("SELECT pg_export_snapshot()")))
    return Snapshot(path, POSTGRESQL_DATABASE, facts, keys)


def _describe(connection: Connection, keys: IO[bytes], config: Config) -> Facts:
    """Write the keys of all files to *keys*, and return the facts."""
    revision = current_revision(connection)
    if revision is None:
        raise ClickException(
            "The database has no revision. Run: flask db upgrade. (`flask db backup` copies it as it is.)"
        )
    count = 0
    for key in file_keys(connection):
        keys.write(f"{key}\n".encode())
        count += 1
    keys.seek(0)
    kind = "sqlite" if config.is_embedded else "postgresql"
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Facts(FORMAT, VERSION, revision, kind, created_at, count_rows(connection), count)


def _export(config: Config, origin: Connection, path: Path) -> None:
    """Copy the rows of PostgreSQL to a new SQLite file, which a database of either kind can be restored from."""
    if current_revision(origin) != head_revision():
        raise ClickException(
            "pg_dump is not installed, and the database is not at head. Install it, or run: flask db upgrade"
        )
    app = confab_state().create_app(replace(config, database_url=f"sqlite:///{path}"))
    with app.app_context(), redirect_stdout(io.StringIO()):  # the migrations print what they do
        flask_migrate.upgrade()
        with db.engine.begin() as destination:
            copy_rows(origin, destination, say)
        db.engine.dispose()  # moves its WAL into the file


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    engine = sa.create_engine(f"sqlite:///{path}", hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
