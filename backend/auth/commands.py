"""`flask totp ...`: for who has lost the second factor and its recovery codes."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import select

from backend.auth.totp import remove_factor
from backend.models import User
from backend.models.base import db
from backend.ops.audit import record, user_target
from backend.users.emails import fold_email

totp = AppGroup("totp", help="Second factors.")


@totp.command("off")
@click.argument("email_or_username")
def off(email_or_username: str) -> None:
    """Switch an account's second factor off. Make sure first who asks for it."""
    name = email_or_username
    found = User.email == fold_email(name) if "@" in name else User.username == name
    user_id = db.session.scalar(select(User.id).where(found))
    if user_id is None:
        raise click.ClickException(f"there is no account {name}")
    remove_factor(user_id)
    record("totp.disabled", None, user_target(user_id))
    db.session.commit()
    click.echo(f"{name} signs in without a second factor now")
