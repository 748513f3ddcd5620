"""`flask users`: accounts from the command line."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from backend.audit.log import record, user_target
from backend.auth.password_rules import hash_new_password
from backend.models import User
from backend.models.base import db
from backend.users.commands_account import checked, errors_as_sentences, read_password
from backend.users.creation import add_user
from backend.users.fields import Email, Password, Username

users = AppGroup("users", help="Accounts.")


@users.command("create")
@click.argument("email")
@click.option("--superuser", is_flag=True, help="Make it a superuser.")
@click.option("--username", help="Generated from the email if left out.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, without prompts.")
def create(email: str, superuser: bool, username: str | None, password_stdin: bool) -> None:
    """Create an account for EMAIL."""
    email = checked("EMAIL", Email(), email)
    username = checked("--username", Username(), username) if username is not None else None
    password = checked("The password", Password(), read_password(password_stdin))
    with errors_as_sentences():
        hashed = hash_new_password("password", password, username, email)
        user = add_user(
            username=username, email=email, hashed_password=hashed, is_superuser=superuser, may_be_reserved=True
        )
        record("account.created", None, user_target(user.id), {"by": "command"})
        if superuser:
            record("superuser.granted", None, user_target(user.id))
        db.session.commit()
    click.echo(_summary(user))


def _summary(user: User) -> str:
    kind = "superuser" if user.is_superuser else "user"
    return f"Created {kind} {user.id}: {user.username} <{user.email}>"
