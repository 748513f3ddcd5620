"""`flask users`: administration of existing accounts from the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import func, select

from backend.accounts import administration, erasure
from backend.accounts.commands import users
from backend.audit.log import record, user_target
from backend.auth.passwords import set_password
from backend.http.json import encode
from backend.models import User, UserSession
from backend.models.base import db, utcnow
from backend.traces import COMMAND_PATIENCE, wipe_traces
from backend.users.commands_account import checked, of_account, read_password
from backend.users.fields import Password
from backend.users.serialise import own_json


def account_command(view: Callable[..., None]) -> Any:
    """Make *view* a command that takes an account."""
    return users.command(view.__name__.removesuffix("_of").replace("_", "-"))(of_account(view))


@users.command("list")
@click.option("--superusers", is_flag=True, help="Only superusers.")
@click.option("--inactive", is_flag=True, help="Only deactivated accounts.")
def list_accounts(superusers: bool, inactive: bool) -> None:
    """List the accounts: id, username, email, and their special states."""
    statement = select(User).where(User.deleted_at.is_(None)).order_by(User.id).execution_options(yield_per=500)
    if superusers:
        statement = statement.where(User.is_superuser)
    if inactive:
        statement = statement.where(~User.is_active)
    for user in db.session.scalars(statement):
        marks = [
            mark for mark, is_so in (("superuser", user.is_superuser), ("deactivated", not user.is_active)) if is_so
        ]
        click.echo("\t".join([str(user.id), user.username, user.email or user.mobile or "-", ",".join(marks) or "-"]))


@account_command
def show(user: User) -> None:
    """Show an account, as JSON."""
    live = (UserSession.user_id == user.id, UserSession.is_active, UserSession.expires_at > utcnow())
    sessions = db.session.scalar(select(func.count()).select_from(UserSession).where(*live))
    click.echo(encode(own_json(user) | {"sessions": sessions}))


@account_command
def deactivate(user: User) -> None:
    """Deactivate an account, and end its sessions and sockets."""
    administration.update_account(None, user.id, {"is_active": False})
    click.echo(f"deactivated {user.id}")


@account_command
def activate(user: User) -> None:
    """Activate a deactivated account, so that it can sign in again."""
    administration.update_account(None, user.id, {"is_active": True})
    click.echo(f"activated {user.id}")


@account_command
def make_superuser(user: User) -> None:
    """Make an account a superuser."""
    administration.update_account(None, user.id, {"is_superuser": True})
    click.echo(f"{user.id} is a superuser")


@account_command
def revoke_superuser(user: User) -> None:
    """Make a superuser an ordinary user. Their API tokens lose privileged scopes."""
    administration.update_account(None, user.id, {"is_superuser": False})
    click.echo(f"{user.id} is not a superuser")


@account_command
def end_sessions(user: User) -> None:
    """End all sessions of an account. API tokens stay valid; `deactivate` stops them too."""
    count = administration.end_access(user.id)
    record("session.ended", None, user_target(user.id), {"why": "command", "count": count})
    db.session.commit()
    click.echo(f"ended {count} sessions of {user.id}")


@account_command
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, without prompts.")
def set_password_of(user: User, password_stdin: bool) -> None:
    """Set the password of an account, and end its sessions."""
    set_password(user, checked("The password", Password(), read_password(password_stdin)))
    click.echo(f"set the password of {user.id}")


@account_command
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(user: User, yes: bool) -> None:
    """Erase an account for good. Its messages stay, under "deleted user"."""
    if not yes:
        click.confirm(f"Erase {user.id} ({user.username}) for good?", abort=True)
    erasure.erase_user(None, user.id)
    is_done = erasure.finish(user.id)
    is_done = wipe_traces(db.engine, COMMAND_PATIENCE) and is_done
    click.echo(f"erased {user.id}" + ("" if is_done else "; to erase the rest, run: flask users purge"))


@users.command("purge")
def purge() -> None:
    """Finish interrupted erasures, and rewrite a SQLite file so that it holds no deleted data."""
    waiting = erasure.list_unfinished()
    done = sum(erasure.finish(user_id) for user_id in waiting)
    db.session.rollback()  # if nothing was left, this session still holds a lock that the rewriting needs
    if not wipe_traces(db.engine, COMMAND_PATIENCE, rewrite=True):
        raise click.ClickException("the database is in use, so its file may still hold deleted data. Try again later.")
    click.echo(f"finished {done} erasures" + (f", {len(waiting) - done} are left" if done < len(waiting) else ""))
