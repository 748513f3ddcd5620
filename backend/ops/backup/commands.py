"""`flask backup ...`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import exc

from backend.errors import ChatError
from backend.ops.backup.create import create_backup
from backend.ops.backup.progress import say, size_text
from backend.ops.backup.restore import restore_backup
from backend.ops.backup.verify import verify

backup = AppGroup("backup", help="Backups of the whole installation: database, uploads and secrets in one archive.")

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@backup.command("create")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--portable",
    "is_portable",
    is_flag=True,
    help="Copy the rows of PostgreSQL without pg_dump, for any kind of database.",
)
def create(file: Path, is_portable: bool) -> None:
    """Write database, uploads and secrets to FILE, while the server runs. Compressed, if its name ends with gz.

    Whoever can read FILE can read everything, and can sign in as anybody.
    """
    with _plain_errors():
        missing = create_backup(file, is_portable=is_portable)
    for key in missing[:10]:
        say(f"missing in the storage: {key}")
    if missing:
        say(
            f"{len(missing)} files are not in the backup: the storage does not have them, or they were deleted meanwhile."
        )
    click.echo(f"Wrote {file}, {size_text(file.stat().st_size)}. It contains the secrets: keep it safe.")


@backup.command("verify")
@click.argument("file", type=EXISTING)
def check(file: Path) -> None:
    """Compare each member of FILE with its hash. Changes nothing."""
    contents = verify(file)
    facts = contents.facts
    click.echo(
        f"{file} is whole: {facts.database}, revision {facts.revision}, version {facts.version}, {facts.created_at}, "
        f"{sum(facts.rows.values()):,} rows, {contents.files:,} files."
    )


@backup.command("restore")
@click.argument("file", type=EXISTING)
def restore(file: Path) -> None:
    """Restore FILE into an empty database and an empty storage. Stop the server first.

    Verifies the whole archive before it changes anything. If it is interrupted, run it again.
    """
    with _plain_errors():
        steps = restore_backup(file)
    click.echo("\n".join([f"Restored {file}.", *steps]))


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except ChatError as error:
        raise click.ClickException(error.detail) from error
    except exc.DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise click.ClickException(f"The database refused: {reason}") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}") from error
