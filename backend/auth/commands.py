"""`flask totp ...`: for users who lost their second factor and its recovery codes."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from backend.audit.log import record, user_target
from backend.auth.totp import remove_factor
from backend.models import User
from backend.models.base import db
from backend.users.commands_account import of_account

totp = AppGroup("totp", help="Second factors.")


@totp.command("off")
@of_account
def off(user: User) -> None:
    """Switch off the second factor of an account. First make sure that its owner asks for it."""
    remove_factor(user.id)
    record("totp.disabled", None, user_target(user.id))
    db.session.commit()
    click.echo(f"{user.id} ({user.username}) now signs in without a second factor")
