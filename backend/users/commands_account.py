"""How commands name an account: by email or username, or with `--id`, or with `--username` where it could pass for an id."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from marshmallow import ValidationError
from sqlalchemy import ColumnElement, exc, or_, select

from backend.errors import ChatError
from backend.http.fields import Text
from backend.models import User
from backend.models.base import db
from backend.users.emails import fold_email
from backend.users.usernames import is_named


def of_account(view: Callable[..., None]) -> Callable[..., None]:
    """Give *view* the account that the command line names, and tell in a sentence what went wrong."""

    @click.argument("account", required=False)
    @click.option("--id", "id_", type=click.IntRange(1, 2**63 - 1), help="The account's id, instead of ACCOUNT.")
    @click.option("--username", help="The account's username, where it could pass for an id.")
    @wraps(view)
    def command(account: str | None, id_: int | None, username: str | None, **options: Any) -> None:
        try:
            view(find_account(account, id_, username), **options)
        except ChatError as error:
            raise refusal(error) from None
        except (exc.OperationalError, exc.ProgrammingError) as error:
            reason = str(error.orig).strip().partition("\n")[0]
            raise click.ClickException(f"the database does not serve ({reason}). flask db upgrade?") from None

    return command


def find_account(account: str | None, id_: int | None, username: str | None) -> User:
    """The account that *account* (an email or username), an id or a username names; exactly one of them must be given.

    Raises click.ClickException where there is none, or more than one, and for digits that do not say whether they are an id:
    who takes somebody's name for somebody's id gives the wrong account power, or erases it.
    """
    if [account, id_, username].count(None) != 2:
        raise click.UsageError("Name one account: ACCOUNT (an email or username), --id or --username.")
    if account is not None and account.isdigit():
        raise click.UsageError(
            f"{account} may be an id or a username. Say which: --id {account} or --username {account}."
        )
    found = _find(User.id == id_ if id_ is not None else _is_called(account, username))
    name = account or username or f"with the id {id_}"
    if not found:
        raise click.ClickException(f"there is no account {name}")
    if len(found) > 1:
        ids = ", ".join(f"{user.id} ({user.username})" for user in found)
        raise click.ClickException(f"{name} names several accounts: {ids}. Say which with --id.")
    return found[0]


def _is_called(account: str | None, username: str | None) -> ColumnElement[bool]:
    if username is not None:
        return is_named(username)
    return or_(User.email == fold_email(account or ""), is_named(account or ""))


def _find(which: ColumnElement[bool]) -> list[User]:
    found = db.session.scalars(select(User).where(which, User.deleted_at.is_(None)).order_by(User.id)).all()
    db.session.rollback()
    return list(found)


def read_password(from_stdin: bool) -> str:
    """A password from standard input, or typed twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def checked(name: str, field: Text, value: str) -> Any:
    """*value* as *field* loads it. Raises click.ClickException with what is wrong with it."""
    try:
        return field.deserialize(value)
    except ValidationError as error:
        raise click.ClickException(f"{name}: {' '.join(error.messages)}") from None


def refusal(error: ChatError) -> click.ClickException:
    """What the command line says of *error*: what is wrong with each value, or else its sentence."""
    faults = [f"The {field}: {' '.join(reasons)}" for field, reasons in (error.errors or {}).items()]
    return click.ClickException("\n".join(faults) or error.detail)
