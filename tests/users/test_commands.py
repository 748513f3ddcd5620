"""`flask users`: administration from the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, update

from backend.models import AuditEvent, User
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory


def run(app: Flask, *args: str, stdin: str = "") -> Result:
    return app.test_cli_runner().invoke(args=["users", *args], input=stdin)


def trail(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def user(app: Flask, user_id: int) -> Any:
    with app.app_context():
        return db.session.execute(select(User.__table__).where(User.id == user_id)).one()


def test_list(app: Flask, make: Factory) -> None:
    ann = make.user("ann", email="ann@example.com")
    root = make.user("root", email="root@example.com", is_superuser=True)
    off = make.user("off", email=None, is_active=False)
    everybody = run(app, "list")
    assert everybody.output == (
        f"{ann.id}\tann\tann@example.com\t-\n{root.id}\troot\troot@example.com\tsuperuser\n{off.id}\toff\t-\tdeactivated\n"
    )
    assert run(app, "list", "--superusers").output.split()[1] == "root"
    assert run(app, "list", "--inactive").output.split()[1] == "off"


@pytest.mark.parametrize("by", ["id", "email", "username"])
def test_an_account_is_named_by_id_username_or_email(app: Flask, make: Factory, by: str) -> None:
    client = make.client(make.user("ann", email="ann@example.com"))
    name = {"id": f"--id={client.user.id}", "email": "Ann@Example.com", "username": "Ann"}[by]  # type: ignore[attr-defined]
    shown = json.loads(run(app, "show", name).output)
    assert (shown["username"], shown["sessions"]) == ("ann", 1)
    assert "hashed_password" not in shown


def test_an_ambiguous_name_is_refused(app: Flask, make: Factory) -> None:
    ann, bob = make.user("ann"), make.user("bob")
    with app.app_context():  # as in an imported database
        db.session.execute(update(User).where(User.id == bob.id).values(username="ANN", username_key=None))
        db.session.commit()
    result = run(app, "deactivate", "ANN")
    assert result.exit_code == 1
    assert f"names several accounts: {ann.id} (ann), {bob.id} (ANN)" in result.output
    assert user(app, ann.id).is_active
    assert user(app, bob.id).is_active
    assert run(app, "deactivate", "ann").exit_code == 0
    assert run(app, "deactivate", f"--id={bob.id}").exit_code == 0


COMMANDS: list[list[str]] = [
    *(["users", name] for name in ("show", "deactivate", "activate", "set-password", "end-sessions")),
    *(["users", name] for name in ("make-superuser", "revoke-superuser", "erase")),
    ["totp", "off"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_digits_that_may_be_an_id_or_a_username_are_refused(app: Flask, make: Factory, command: list[str]) -> None:
    """A user with the username 736130 must not be confused with the account 736130, so the command has to say which it means."""
    ann = make.user("ann")
    make.user(str(ann.id))
    make.user("736130")
    for digits in (str(ann.id), "736130", "\N{FULLWIDTH DIGIT SEVEN}"):
        result = app.test_cli_runner().invoke(args=[*command, digits])
        assert (result.exit_code, f"--id {digits} or --username {digits}" in result.output) == (2, True)
    for args in ([], ["ann", f"--id={ann.id}"], ["--username=ann", f"--id={ann.id}"]):
        result = app.test_cli_runner().invoke(args=[*command, *args])
        assert (result.exit_code, "Name one account" in result.output) == (2, True)
    assert trail(app) == []


def test_options_for_a_username_of_digits(app: Flask, make: Factory) -> None:
    ann = make.user("ann")
    named = make.user(str(ann.id))
    assert run(app, "make-superuser", "--username", str(ann.id)).exit_code == 0
    assert (user(app, ann.id).is_superuser, user(app, named.id).is_superuser) == (False, True)
    assert run(app, "make-superuser", "--id", str(ann.id)).exit_code == 0
    assert user(app, ann.id).is_superuser
    assert run(app, "show", "--id", str(2**63 - 1)).output == f"Error: there is no account with the id {2**63 - 1}\n"
    assert run(app, "show", "--id", str(2**63)).exit_code == 2


@pytest.mark.parametrize(
    "command", ["show", "deactivate", "activate", "erase", "set-password", "end-sessions", "make-superuser"]
)
def test_an_unknown_account(app: Flask, command: str) -> None:
    result = run(app, command, "nobody@example.com")
    assert (result.exit_code, result.output) == (1, "Error: there is no account nobody@example.com\n")


def test_deactivate_and_activate(app: Flask, make: Factory) -> None:
    ann = make.client(make.user("ann"))
    assert run(app, "deactivate", "ann").exit_code == 0
    assert ann.get("/api/users/me").json["code"] == "token_revoked"
    assert run(app, "activate", "ann").exit_code == 0
    assert user(app, ann.user.id).is_active  # type: ignore[attr-defined]
    assert trail(app) == ["account.deactivated", "account.activated"]


def test_superusers(app: Flask, make: Factory) -> None:
    ann = make.client(make.user("ann"))
    assert run(app, "make-superuser", "ann").exit_code == 0
    assert ann.get("/api/audit").status_code == 200
    refused = run(app, "revoke-superuser", "ann")
    assert (refused.exit_code, "last active superuser" in refused.output) == (1, True)
    assert run(app, "deactivate", "ann").exit_code == run(app, "erase", "ann", "--yes").exit_code == 1
    make.user("bob", is_superuser=True)
    assert run(app, "revoke-superuser", "ann").exit_code == 0
    assert ann.get("/api/audit").status_code == 403


def test_set_password(app: Flask, make: Factory) -> None:
    ann = make.client(make.user("ann"))
    short = run(app, "set-password", "ann", "--password-stdin", stdin="short\n")
    assert (short.exit_code, "8 to 72 bytes" in short.output) == (1, True)
    assert run(app, "set-password", "ann", "--password-stdin", stdin="password456\n").exit_code == 0
    assert ann.get("/api/users/me").status_code == 401
    body = {"username": "ann", "password": "password456"}
    assert Client(app).post("/api/auth/login", body).status_code == 200
    assert "password.changed" in trail(app)


def test_end_sessions(app: Flask, make: Factory) -> None:
    ann = make.client(make.user("ann"))
    make.client(ann.user)  # type: ignore[attr-defined]
    assert run(app, "end-sessions", "ann").output.startswith("ended 2 sessions")
    assert ann.get("/api/users/me").status_code == 401
    assert trail(app) == ["session.ended"]


def test_erase_asks_first(app: Flask, make: Factory) -> None:
    ann = make.user("ann")
    assert run(app, "erase", "ann", stdin="n\n").exit_code == 1
    assert user(app, ann.id).username == "ann"
    assert run(app, "erase", "ann", stdin="y\n").exit_code == 0
    assert user(app, ann.id).deleted_at is not None
    assert run(app, "purge").output == "finished 0 erasures\n"
    assert trail(app) == ["account.erased"]


def test_a_database_without_tables(make_app: Any, tmp_path: Any) -> None:
    app = make_app({"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"})
    result = run(app, "show", "ann")
    assert (result.exit_code, "flask db upgrade" in result.output) == (1, True)
