"""`flask db …`, which is Flask-Migrate's group with additions, and `flask schema …`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import flask_migrate
from flask import current_app, g
from flask.cli import AppGroup, with_appcontext
from flask_migrate.cli import db as flask_migrate_group
from sqlalchemy import Engine, exc

from backend.models.base import db as database
from backend.schema.backup import back_up, restore
from backend.schema.documentation import describe_schema
from backend.schema.drafts import format_draft, next_revision
from backend.schema.legacy_import.rename import drop_legacy, list_legacy
from backend.schema.move import move, refuse_strangers
from backend.schema.upgrade import DRY_RUN, MAP
from backend.settings import MIGRATIONS
from backend.state import confab_state
from config import Config, ConfigError

DOCUMENT = Path(MIGRATIONS).parent / "docs" / "schema.md"

db = click.Group(
    "db",
    commands=dict(flask_migrate_group.commands),
    params=flask_migrate_group.params,
    callback=flask_migrate_group.callback,
    help="Migrations, backups and moves of the database.",
)
schema = AppGroup("schema", help="Documentation of the tables, and the tables that an adoption left.")


@click.pass_context
def _upgrade(ctx: click.Context, /, dry_run: bool, mapped: tuple[str, ...], **options: Any) -> None:
    """Upgrade any database to head: an empty one, an earlier revision, or a legacy schema. Rows are kept."""
    if dry_run:
        options["x_arg"] = (*options["x_arg"], DRY_RUN)
    options["x_arg"] = (*options["x_arg"], *(f"{MAP}{each}" for each in mapped))
    try:
        ctx.invoke(flask_migrate_group.commands["upgrade"], **options)
    except exc.DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise click.ClickException(f"The database refused: {reason}. The transaction was rolled back.") from error


db.add_command(
    click.Command(
        "upgrade",
        callback=_upgrade,
        params=[
            *flask_migrate_group.commands["upgrade"].params,
            click.Option(["--dry-run"], is_flag=True, help="Print what would be done, and change nothing."),
            click.Option(
                ["--map", "mapped"],
                multiple=True,
                metavar="LEGACY=NAME",
                help="Adopt a legacy table or column of another name: rooms=chat_rooms, or rooms.heading=name. Repeatable.",
            ),
        ],
        help=_upgrade.__doc__,
    )
)


def _write_draft(ctx: click.Context, name: str, options: dict[str, Any]) -> None:
    """Call Flask-Migrate's command *name*, with the next number as the revision."""
    if not options["message"]:
        raise click.UsageError('Say what the migration does, for example: -m "Add a topic to rooms"', ctx)
    config = current_app.extensions["migrate"].migrate.get_config(options["directory"] or g.directory)
    options["rev_id"] = options["rev_id"] or next_revision(config)
    ctx.invoke(flask_migrate_group.commands[name], **options)
    if not options["sql"]:
        format_draft(config, options["rev_id"])


@click.pass_context
@with_appcontext
def _revision(ctx: click.Context, /, **options: Any) -> None:
    """Write a migration with the next number; with --autogenerate, from the difference of models and database."""
    _write_draft(ctx, "revision", options)


@click.pass_context
@with_appcontext
def _migrate(ctx: click.Context, /, **options: Any) -> None:
    """Write a migration with the next number, from the difference of models and database."""
    _write_draft(ctx, "migrate", options)


for _name, _callback in (("revision", _revision), ("migrate", _migrate)):
    _params = flask_migrate_group.commands[_name].params
    db.add_command(click.Command(_name, callback=_callback, params=_params, help=_callback.__doc__))


@schema.command("drop-legacy")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def drop_legacy_tables(yes: bool) -> None:
    """Drop the tables of a legacy database, which its adoption renamed to `legacy_…`."""
    with database.engine.connect() as connection:
        tables = list_legacy(connection)
    if not tables:
        click.echo("There are no legacy tables.")
        return
    click.echo("\n".join(f"{name}: {count} rows" for name, count in tables.items()))
    if not yes:
        click.confirm("Drop these tables with their rows? Only a backup can restore them.", abort=True)
    with database.engine.begin() as connection:
        drop_legacy(connection, list(tables))
    click.echo(f"Dropped {len(tables)} tables.")


@schema.command("docs")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the file is not current.")
def write_docs(check: bool) -> None:
    """Write docs/schema.md from the models."""
    text = describe_schema()
    if check:
        if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
            raise click.ClickException("docs/schema.md is not current. Run: flask schema docs")
        return
    DOCUMENT.write_text(text)
    click.echo(f"Wrote {DOCUMENT}.")


@db.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Write the whole database to FILE, also while it is in use: a SQLite file, or an archive of pg_dump."""
    back_up(current_app.config["CONFAB"].database_url, file)
    click.echo(f"Wrote {file}, {file.stat().st_size} bytes.")


@db.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Ask nothing.")
@with_appcontext
def restore_backup(file: Path, yes: bool) -> None:
    """Replace the whole database by the backup in FILE. Stop the server first."""
    if not yes:
        click.confirm("Replace the whole database by this backup?", abort=True)
    database.engine.dispose()
    restore(current_app.config["CONFAB"].database_url, file)
    click.echo(f"Restored {file}. If it is of an earlier revision, run: flask db upgrade")


@db.command("move")
@click.option("--to", "url", required=True, help="An empty PostgreSQL database: postgresql://...")
@with_appcontext
def move_database(url: str) -> None:
    """Copy this SQLite database to PostgreSQL, and verify every row. Stop the server first."""
    config: Config = current_app.config["CONFAB"]
    if not config.is_embedded:
        raise click.ClickException("Only a SQLite database can be moved. This one is already PostgreSQL.")
    try:
        there = Config.from_env({"DATABASE_URL": url, "INSTANCE_DIR": str(config.instance_dir)})
    except ConfigError as error:
        raise click.ClickException(error.faults[0]) from None
    if there.is_embedded:
        raise click.ClickException("--to must name a PostgreSQL database.")
    source = database.engine
    try:
        _move(source, replace(config, database_url=there.database_url))
    except exc.DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise click.ClickException(f"The target refused: {reason}. Nothing was moved.") from error
    click.echo("Moved. Set DATABASE_URL to the new database and start the server. The SQLite file was not changed.")


def _move(source: Engine, config: Config) -> None:
    target = confab_state().create_app(config)
    with target.app_context():
        with database.engine.connect() as connection:
            refuse_strangers(connection)
        flask_migrate.upgrade()
        move(source, database.engine, click.echo)
        database.engine.dispose()
