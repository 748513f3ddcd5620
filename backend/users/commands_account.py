"""Accounts on the command line: by email or username, or with `--id`, or `--username` if the name looks like an id."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """Call *view* with the account that the command line names. Errors are printed as a sentence."""

    @click.argument("account", required=False)
    @click.option("--id", "id_", type=click.IntRange(1, 2**63 - 1), help="The account's id, instead of ACCOUNT.")
    @click.option("--username", help="The account's username, if it looks like an id.")
    @wraps(view)
    def command(account: str | None, id_: int | None, username: str | None, **options: Any) -> None:
        with errors_as_sentences():
            view(find_account(account, id_, username), **options)

    return command


def find_account(account: str | None, id_: int | None, username: str | None) -> User:
    """The account with the email or username *account*, the id or the username. Exactly one of them must be given.

    Raises click.ClickException if there is no account or several, and for digits that could be an id or a username: with the
    wrong account, a command would grant rights to it or erase it.
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
    """Read a password from standard input, or prompt for it twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def checked(name: str, field: Text, value: str) -> Any:
    """*value* as *field* loads it. Raises click.ClickException with the reason if it is invalid."""
    try:
        return field.deserialize(value)
    except ValidationError as error:
        raise click.ClickException(f"{name}: {' '.join(error.messages)}") from None


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Raise a refusal or a failure of the database as click.ClickException, whose text is one sentence for each fault."""
    try:
        yield
    except ChatError as error:
        faults = [f"The {field}: {' '.join(reasons)}" for field, reasons in (error.errors or {}).items()]
        raise click.ClickException("\n".join(faults) or error.detail) from None
    except (exc.OperationalError, exc.ProgrammingError) as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise click.ClickException(
            f"the database refuses ({reason}). If its schema is old, run: flask db upgrade"
        ) from None
