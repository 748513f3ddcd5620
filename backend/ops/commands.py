"""`flask doctor`: checks this installation."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import exc

from backend.ops.doctor import examine, plan_repairs


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--repair-plan", is_flag=True, help="Print the SQL that would repair the drift of the schema. Executes nothing."
)
@with_appcontext
def doctor(as_json: bool, repair_plan: bool) -> None:
    """Print one line, with a remedy, for each problem. Exits with 1 if there is a fault, and with 0 if there is only advice."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if repair_plan:
        _print_plan(app)
        return
    findings = examine(app)
    is_faulty = any(finding.is_fault for finding in findings)
    if as_json:
        status = "faulty" if is_faulty else "sound"
        click.echo(json.dumps({"status": status, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        click.echo("\n".join(finding.line() for finding in findings) or "Nothing is wrong.")
    if is_faulty:
        sys.exit(1)


def _print_plan(app: Flask) -> None:
    try:
        statements = plan_repairs(app)
    except exc.DBAPIError as error:
        raise click.ClickException(f"The database does not answer: {error.orig}".strip()) from None
    click.echo("\n".join(statements) or "-- The database is as the models say. There is nothing to repair.")
