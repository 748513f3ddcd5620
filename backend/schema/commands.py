"""`flask db …`, Flask-Migrate's group with our additions, and `flask schema …`."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup
from flask_migrate.cli import db as flask_migrate_group
from sqlalchemy import exc

from backend.models.base import db as database
from backend.schema.adoption.aside import drop_legacy, list_legacy
from backend.schema.upgrade import REHEARSE

db = click.Group(
    "db",
    commands=dict(flask_migrate_group.commands),
    params=flask_migrate_group.params,
    callback=flask_migrate_group.callback,
    help="Migrations, backups and moves of the database.",
)
schema = AppGroup("schema", help="The tables: what is left of a legacy database, and their documentation.")


@click.pass_context
def _upgrade(ctx: click.Context, /, dry_run: bool, **options: Any) -> None:
    """Bring any database to head: a new one, any earlier revision, or one of the legacy schemas, keeping its rows."""
    if dry_run:
        options["x_arg"] = (*options["x_arg"], REHEARSE)
    try:
        ctx.invoke(flask_migrate_group.commands["upgrade"], **options)
    except exc.DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise click.ClickException(f"the database refused: {reason}. What was begun was rolled back.") from error


db.add_command(
    click.Command(
        "upgrade",
        callback=_upgrade,
        params=[
            *flask_migrate_group.commands["upgrade"].params,
            click.Option(["--dry-run"], is_flag=True, help="Tell what would be done, and change nothing."),
        ],
        help=_upgrade.__doc__,
    )
)


@schema.command("drop-legacy")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def drop_legacy_tables(yes: bool) -> None:
    """Drop the tables of the legacy database that an adoption left as `legacy_…`."""
    with database.engine.connect() as connection:
        tables = list_legacy(connection)
    if not tables:
        click.echo("There are no legacy tables.")
        return
    click.echo("\n".join(f"{name}: {count} rows" for name, count in tables.items()))
    if not yes:
        click.confirm("Drop these tables with their rows? Nothing but a backup brings them back.", abort=True)
    with database.engine.begin() as connection:
        drop_legacy(connection, list(tables))
    click.echo(f"Dropped {len(tables)} tables.")
