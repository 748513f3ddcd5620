"""Runs Alembic's commands, with locks, adoption, a copy of a SQLite database, and dry runs.

`migrations/env.py` calls `run`. On SQLite a whole upgrade is one transaction. On PostgreSQL an adoption is one transaction;
otherwise each migration is, so that indexes can be created without blocking others.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext, MigrationInfo
from click import ClickException
from sqlalchemy import Connection, Engine, exc

from backend.database import prepare_engine
from backend.models.base import Base, UtcDateTime
from backend.schema import copies
from backend.schema.drift import comparison
from backend.schema.legacy_import.detect import Legacy, find_legacy
from backend.schema.legacy_import.mapping import TableMap, parse_map
from backend.schema.legacy_import.run import adopt
from backend.schema.legacy_import.unexplained import describe_search, find_unexplained, suggest, survey
from backend.schema.revisions import compat, current_revisions, head_revision, pending

LOCK_KEY = 0x636F6E666162  # "confab"
LOCK_SECONDS = 2
"""How long a migration waits for a table. It must be less than the timeout of requests, which queue behind the migration."""
ATTEMPTS = 60
DRY_RUN = "dry-run"
MAP = "map="
"""Begins the arguments of Alembic (`-x`) that have the values of `--map`."""


class DryRunRollback(Exception):
    """Ends a dry run, so that its transaction is rolled back."""


logging.getLogger("alembic").setLevel(logging.WARNING)  # the command prints what was done


def run(context: Any, engine: Engine, options: Mapping[str, Any]) -> None:
    """Run the current command: upgrade, downgrade, stamp, check or current."""
    if context.is_offline_mode():
        _configure(context, None, options, dialect_name=engine.dialect.name, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    is_dry_run = DRY_RUN in context.get_x_argument()
    with _engine(engine, is_dry_run) as used, used.connect() as connection:
        if connection.dialect.name == "postgresql":
            _run_postgresql(context, connection, options, is_dry_run)
        else:
            _run_sqlite(context, connection, options, is_dry_run)


@contextmanager
def _engine(engine: Engine, is_dry_run: bool) -> Iterator[Engine]:
    """The engine. A dry run on SQLite gets one for a copy of the file, so that it blocks no others."""
    if not is_dry_run or engine.dialect.name != "sqlite":
        yield engine
        return
    with tempfile.TemporaryDirectory(prefix="confab-") as folder:
        path = Path(folder, "copy.db")
        if Path(engine.url.database or "").exists():
            copies.copy_file(Path(engine.url.database or ""), path)
        copy = sa.create_engine(f"sqlite:///{path}", hide_parameters=True)
        prepare_engine(copy)
        try:
            yield copy
        finally:
            copy.dispose()


def _run_postgresql(context: Any, connection: Connection, options: Mapping[str, Any], is_dry_run: bool) -> None:
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
        connection.exec_driver_sql(f"SET {setting} = 0")
    connection.commit()
    try:
        _acquire_lock(connection)
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        connection.commit()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _run(context, connection, options, is_dry_run)
                _release_lock(connection)
                return
            except exc.OperationalError as error:
                if getattr(error.orig, "pgcode", None) != "55P03" or attempt == ATTEMPTS:
                    raise
                connection.rollback()
                click.echo("A table is in use. Trying again.")
                time.sleep(min(0.2 * attempt, 2))
    finally:
        connection.invalidate()  # after an error, this releases the lock


def _acquire_lock(connection: Connection) -> None:
    """Allow one upgrade at a time. The next one then finds nothing to do."""
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK_KEY))):
        click.echo("Another upgrade of this database is running. Waiting for its end.")
        connection.execute(sa.select(sa.func.pg_advisory_lock(LOCK_KEY)))
    connection.commit()


def _release_lock(connection: Connection) -> None:
    """Release the lock at once. The server notices the end of a connection a little later, and the next upgrade would wait."""
    connection.rollback()
    connection.execute(sa.select(sa.func.pg_advisory_unlock(LOCK_KEY)))
    connection.commit()


def _run_sqlite(context: Any, connection: Connection, options: Mapping[str, Any], is_dry_run: bool) -> None:
    driver: Any = connection.connection.dbapi_connection
    # SQLite rebuilds a table to change it. Foreign keys to that table must not cascade meanwhile.
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute("PRAGMA busy_timeout=600000")  # another upgrade may be running
    try:
        _run(context, connection, options, is_dry_run)
    finally:
        connection.rollback()
        connection.invalidate()


def _run(context: Any, connection: Connection, options: Mapping[str, Any], is_dry_run: bool) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    _configure(context, connection, options)
    command = getattr(context.get_context().opts.get("fn"), "__name__", "")
    connection.rollback()
    if command != "upgrade":
        _configure(context, connection, options)
        with context.begin_transaction():
            context.run_migrations()
        return
    try:
        with connection.begin():
            mapping = parse_map(each.removeprefix(MAP) for each in context.get_x_argument() if each.startswith(MAP))
            legacy = find_legacy(connection, mapping)
            if legacy is not None:
                _adopt(context, connection, options, legacy, is_dry_run)
                return
            current = current_revisions(connection)
            _tell_not_adopted(connection, mapping, is_new=not current)
            steps = pending(current)
            if is_dry_run:
                _tell_plan(steps)
                return
            if is_sqlite:
                if steps:
                    copies.keep_copy(connection, head_revision())
                _migrate(context, connection, options)
                return
    except DryRunRollback:
        click.echo("This was a dry run: nothing was changed.")
        return
    _migrate(context, connection, options)


def _tell_plan(steps: list[Any]) -> None:
    for step in steps:
        click.echo(f"Would apply {step.revision}: {step.doc}")
    click.echo("Nothing was changed." if steps else "The database is at head. There is nothing to do.")


def _tell_not_adopted(connection: Connection, mapping: TableMap, is_new: bool) -> None:
    """Say what a database without a legacy table may have to adopt, and that Confab's own database adopts nothing more."""
    if mapping:
        click.echo(
            "--map was ignored: this database is Confab's, and adoption is its first upgrade (docs/migrations.md)."
        )
    elif is_new and suggest(find_unexplained(connection, ()), {}):
        click.echo("\n".join(survey(connection, {}, mapping)))


def _adopt(context: Any, connection: Connection, options: Mapping[str, Any], legacy: Legacy, is_dry_run: bool) -> None:
    if context.get_revision_argument() not in ("head", "heads", head_revision()):
        raise ClickException("A legacy database can only be upgraded to head. Run: flask db upgrade")
    named = f", at its revision {', '.join(legacy.revisions)}" if legacy.revisions else ""
    click.echo(f"Adopting a legacy database with {', '.join(legacy.taken.values()) or 'no table of Confab'}{named}.")
    click.echo(describe_search(legacy.taken))
    warnings = survey(connection, legacy.taken, legacy.mapping)
    if connection.dialect.name == "sqlite" and not is_dry_run:
        copies.keep_copy(connection, head_revision())
    report = adopt(connection, legacy, lambda: _migrate(context, connection, options))
    for line in (*report.lines(), *warnings):
        click.echo(line)
    if is_dry_run:
        raise DryRunRollback
    click.echo("Adopted. When you no longer need the legacy tables: flask schema drop-legacy")


def _migrate(context: Any, connection: Connection, options: Mapping[str, Any]) -> None:
    _configure(context, connection, options)
    with context.begin_transaction():
        context.run_migrations()


def _configure(context: Any, connection: Connection | None, options: Mapping[str, Any], **more: Any) -> None:
    dialect = connection.dialect.name if connection is not None else more["dialect_name"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=_render_item,
        transactional_ddl=True,
        transaction_per_migration=True,
        on_version_apply=_note_version,
        in_one_transaction=connection is not None and connection.in_transaction(),
        **{**options, "render_as_batch": True, **comparison(dialect), **more},
    )


def _render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Render Confab's column types as SQLAlchemy's, because migrations must not import models."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _note_version(ctx: MigrationContext, step: MigrationInfo, heads: set[str], run_args: object) -> None:
    """Store which code may serve the database (`compatible_with` of the migration), in the transaction of the migration."""
    if ctx.as_sql or ctx.connection is None:
        return
    compat.create(ctx.connection, checkfirst=True)
    ctx.connection.execute(sa.delete(compat))
    for script in ctx.script.get_revisions(tuple(heads)) if ctx.script is not None else ():
        allowed = {script.revision, *getattr(script.module, "compatible_with", ())}
        rows = [{"revision": script.revision, "served_by": revision} for revision in sorted(allowed)]
        ctx.connection.execute(sa.insert(compat), rows)
    if step.is_upgrade and step.up_revision is not None:
        click.echo(f"Applied {step.up_revision_id}: {getattr(step.up_revision, 'doc', '')}")
