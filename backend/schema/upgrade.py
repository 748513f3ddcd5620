"""What stands around Alembic: locks, adoption, a copy of an embedded database, and the rehearsal.

`migrations/env.py` calls `run`. On SQLite a whole upgrade is one transaction; on PostgreSQL an adoption is, and otherwise each
migration is one of its own, so that indexes can be made without stopping anybody.
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
from backend.schema.legacy_import.run import adopt
from backend.schema.revisions import compat, current_revisions, head_revision, pending

LOCK_KEY = 0x636F6E666162  # "confab"
LOCK_SECONDS = 2
"""How long a migration waits for a table. It must be less than a request waits: whoever queues behind us queues that long."""
ATTEMPTS = 60
REHEARSE = "dry-run"


class DryRunRollback(Exception):
    """Everything was tried; roll it back."""


logging.getLogger("alembic").setLevel(logging.WARNING)  # what was done is printed


def run(context: Any, engine: Engine, options: Mapping[str, Any]) -> None:
    """Do what the command asks for: upgrade, downgrade, stamp, check, current."""
    if context.is_offline_mode():
        _configure(context, None, options, dialect_name=engine.dialect.name, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    is_rehearsal = REHEARSE in context.get_x_argument()
    with _engine(engine, is_rehearsal) as used, used.connect() as connection:
        if connection.dialect.name == "postgresql":
            _run_postgresql(context, connection, options, is_rehearsal)
        else:
            _run_sqlite(context, connection, options, is_rehearsal)


@contextmanager
def _engine(engine: Engine, is_rehearsal: bool) -> Iterator[Engine]:
    """The engine itself; for a rehearsal on SQLite, one over a copy of the file, so that nobody is kept waiting."""
    if not is_rehearsal or engine.dialect.name != "sqlite":
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


def _run_postgresql(context: Any, connection: Connection, options: Mapping[str, Any], is_rehearsal: bool) -> None:
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
        connection.exec_driver_sql(f"SET {setting} = 0")
    connection.commit()
    try:
        _acquire_lock(connection)
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        connection.commit()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _run(context, connection, options, is_rehearsal)
                return
            except exc.OperationalError as error:
                if getattr(error.orig, "pgcode", None) != "55P03" or attempt == ATTEMPTS:
                    raise
                connection.rollback()
                click.echo("A table is in use; trying again.")
                time.sleep(min(0.2 * attempt, 2))
    finally:
        connection.invalidate()  # and with the connection goes the lock


def _acquire_lock(connection: Connection) -> None:
    """Only one upgrade at a time; the next one then finds nothing left to do."""
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK_KEY))):
        click.echo("Another upgrade of this database is running; waiting for its end.")
        connection.execute(sa.select(sa.func.pg_advisory_lock(LOCK_KEY)))
    connection.commit()


def _run_sqlite(context: Any, connection: Connection, options: Mapping[str, Any], is_rehearsal: bool) -> None:
    driver: Any = connection.connection.dbapi_connection
    # SQLite rebuilds a table to change it; the foreign keys that point there must not cascade meanwhile.
    driver.execute("PRAGMA foreign_keys=OFF")
    driver.execute("PRAGMA busy_timeout=600000")  # another upgrade may be running
    try:
        _run(context, connection, options, is_rehearsal)
    finally:
        connection.rollback()
        connection.invalidate()


def _run(context: Any, connection: Connection, options: Mapping[str, Any], is_rehearsal: bool) -> None:
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
            legacy = find_legacy(connection)
            if legacy is not None:
                _adopt(context, connection, options, legacy, is_rehearsal)
                return
            steps = pending(current_revisions(connection))
            if is_rehearsal:
                _tell_plan(steps)
                return
            if is_sqlite:
                if steps:
                    copies.keep_copy(connection, head_revision())
                _migrate(context, connection, options)
                return
    except DryRunRollback:
        click.echo("This was a rehearsal: nothing was changed.")
        return
    _migrate(context, connection, options)


def _tell_plan(steps: list[Any]) -> None:
    for step in steps:
        click.echo(f"Would apply {step.revision}: {step.doc}")
    click.echo("Nothing was changed." if steps else "The database is at head: there is nothing to do.")


def _adopt(
    context: Any, connection: Connection, options: Mapping[str, Any], legacy: Legacy, is_rehearsal: bool
) -> None:
    if context.get_revision_argument() not in ("head", "heads", head_revision()):
        raise ClickException("A legacy database can be adopted at head alone. Run: flask db upgrade")
    named = f", at its revision {', '.join(legacy.revisions)}" if legacy.revisions else ""
    click.echo(f"Adopting a legacy database with {', '.join(legacy.tables) or 'no table of ours'}{named}.")
    if connection.dialect.name == "sqlite" and not is_rehearsal:
        copies.keep_copy(connection, head_revision())
    report = adopt(connection, legacy, lambda: _migrate(context, connection, options))
    for line in report.lines():
        click.echo(line)
    if is_rehearsal:
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
    """Write our own types as the plain ones that they are in the database: migrations must not import models."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _note_version(ctx: MigrationContext, step: MigrationInfo, heads: set[str], run_args: object) -> None:
    """In the migration's own transaction: say which code may serve the database now (`compatible_with` of the migration)."""
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
