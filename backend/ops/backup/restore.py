"""Restoration of a backup into an empty installation.

The whole archive is verified first. Then the files are written, then the secrets, and last the database, in one transaction. A
marker in INSTANCE_DIR names the archive until the end, so that a restoration which was interrupted can be repeated.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import flask_migrate
from click import ClickException
from flask import current_app
from sqlalchemy import Connection

from backend.database import snapshot
from backend.models.base import db
from backend.ops.backup.archive import DATABASES, FILES, SQLITE_DATABASE
from backend.ops.backup.files import file_keys, is_empty
from backend.ops.backup.progress import Progress, say
from backend.ops.backup.restore_secrets import has_other_previous, plan_secrets, write_secrets
from backend.ops.backup.tables import count_rows, find_content
from backend.ops.backup.verify import Contents, read_members, verify
from backend.schema.backup import check_backup, restore
from backend.schema.move import move
from backend.schema.revisions import head_revision, known_revisions
from backend.state import confab_state
from backend.storage import FileMissing, storage
from config import Config
from private_files import work_folder, write_private

MARKER = "restore.json"


def restore_backup(path: Path) -> list[str]:
    """Restore the archive *path* into an empty installation, and check the result. Returns what to do next, as sentences.

    Raises ClickException, StorageAway and errors of SQLAlchemy.
    """
    config: Config = current_app.config["CONFAB"]
    marker = config.instance_dir / MARKER
    interrupted = json.loads(marker.read_bytes())["backup"] if marker.exists() else None
    if interrupted is None:
        _check_empty(config)
    contents = verify(path)
    _check_kind(config, contents)
    if interrupted not in (None, contents.digest):
        raise ClickException(
            f"The restoration of another backup was interrupted here. Repeat it with that backup; or empty the database and "
            f"the storage, delete {marker}, and run this command again."
        )
    is_resumed = interrupted is not None
    secrets = plan_secrets(config, contents.secrets, is_resumed=is_resumed)
    with work_folder(config.instance_dir / ".restore") as folder:
        database = _extract_database(contents, folder / "database")
        write_private(marker, json.dumps({"backup": contents.digest}).encode())
        _restore_files(contents, is_resumed=is_resumed)
        write_secrets(config, secrets)
        if not (is_resumed and _has_content(config)):  # a database with content was restored before the interruption
            restore_database(config, contents, database)
    check_restored(contents)
    marker.unlink()
    return _next_steps(config, contents)


def _check_empty(config: Config) -> None:
    with _connection(config) as connection:
        if connection is not None and (table := find_content(connection)) is not None:
            raise ClickException(
                f"The database is not empty: see its table {table}. Nothing was changed. Set DATABASE_URL to an empty database "
                "(with SQLite: INSTANCE_DIR to a new folder)."
            )
    if not is_empty(storage()):
        raise ClickException(
            "The storage has files of an installation. Nothing was changed. Set STORAGE_URL to an empty folder or another prefix."
        )


def _check_kind(config: Config, contents: Contents) -> None:
    facts = contents.facts
    if facts.revision not in known_revisions():
        raise ClickException(
            f"The backup is of version {facts.version}, at revision {facts.revision}, which this version of Confab "
            f"does not know. Nothing was changed. Install version {facts.version} or a newer one."
        )
    if config.is_embedded and contents.database != SQLITE_DATABASE:
        raise ClickException(
            "The backup has a dump of PostgreSQL, which SQLite cannot read. Nothing was changed. Set DATABASE_URL to a "
            "PostgreSQL database, or make a backup with: flask backup create --portable"
        )


def _restore_files(contents: Contents, *, is_resumed: bool) -> None:
    """Write the files, without those that were written before an interruption."""
    progress, files = Progress("Restoring files", contents.files), storage()
    for name, size, member in read_members(contents.path):
        if name.startswith(FILES):
            key = name.removeprefix(FILES)
            if not is_resumed or _size(key) != size:
                files.write(key, member)
            progress.add(size)


def _size(key: str) -> int | None:
    try:
        return storage().size(key)
    except FileMissing:
        return None


def _has_content(config: Config) -> bool:
    with _connection(config) as connection:
        return connection is not None and find_content(connection) is not None


def restore_database(config: Config, contents: Contents, file: Path) -> None:
    """Fill the empty database from *file*, in one transaction."""
    say("Restoring the database …")
    db.engine.dispose()
    if contents.database == SQLITE_DATABASE and not config.is_embedded:
        _move(config, contents, file)
    else:
        restore(config.database_url, file)


def _extract_database(contents: Contents, file: Path) -> Path:
    """Copy the member with the database to *file*, and check that it can be restored."""
    for name, _, member in read_members(contents.path):
        if name in DATABASES:
            with file.open("xb") as copy:
                shutil.copyfileobj(member, copy)
            break
    check_backup(file, is_sqlite=contents.database == SQLITE_DATABASE)
    return file


def _move(config: Config, contents: Contents, file: Path) -> None:
    """Copy the rows of a SQLite file to PostgreSQL. Both are upgraded first."""
    origin = confab_state().create_app(replace(config, database_url=f"sqlite:///{file}"))
    with origin.app_context():
        if contents.facts.revision != head_revision():
            flask_migrate.upgrade()
        source = db.engine
    flask_migrate.upgrade()
    move(source, db.engine, say)
    source.dispose()


def check_restored(contents: Contents) -> None:
    """Compare the restored rows and files with the backup. Raises ClickException if any are missing."""
    facts = contents.facts
    lost, progress = 0, Progress("Comparing rows and files with the backup", facts.files)
    with snapshot(db.engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        rows = count_rows(connection)
        wrong = [name for name, count in facts.rows.items() if rows.get(name, count) != count]
        for key in file_keys(connection):
            size = _size(key)
            lost += size is None
            progress.add(size or 0)
    if wrong:
        raise ClickException(
            f"The tables {', '.join(wrong)} do not have as many rows as in the backup: something else changed the database. "
            "Empty the database, and run this command again."
        )
    if lost != len(contents.missing):
        raise ClickException(f"{lost - len(contents.missing)} files are not in the storage. Run this command again.")


def _next_steps(config: Config, contents: Contents) -> list[str]:
    steps = []
    if contents.missing:
        steps.append(
            f"{len(contents.missing)} files that messages or accounts name were not in the backup: "
            f"{', '.join(contents.missing[:10])}"
        )
    if has_other_previous(config, contents.secrets):
        steps.append(
            "If clients should stay signed in without a refresh, set JWT_SECRET_KEY_PREVIOUS as in the member secrets.env."
        )
    if contents.facts.revision != head_revision():
        steps.append("Run: flask db upgrade")
    return [*steps, "Run: flask doctor", "Run: flask messages verify", "Start the server."]


@contextmanager
def _connection(config: Config) -> Iterator[Connection | None]:
    """A connection to the database. None if it is a SQLite file that does not exist: connecting would make it."""
    if config.database_file is not None and not config.database_file.exists():
        yield None
        return
    with snapshot(db.engine) as connection:
        yield connection
