"""`flask users create`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from backend.models import ConversationEntry, User
from backend.models.base import db
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client


def run(app: Flask, *args: str, stdin: str = f"{PASSWORD}\n") -> Result:
    return app.test_cli_runner().invoke(args=["users", "create", *args], input=stdin)


def users(app: Flask) -> list[Any]:
    with app.app_context():
        return list(db.session.execute(select(User.username, User.email, User.is_superuser)))


def test_the_first_administrator(app: Flask, client: Client) -> None:
    result = run(app, "Test@Example.com", "--superuser", "--username", "root", "--password-stdin")
    answer = client.post("/api/auth/login", {"username": "root", "password": PASSWORD}).get_json()
    assert answer["user"]["is_superuser"] is True
    assert (result.exit_code, result.output) == (
        0,
        f"Created superuser {answer['user']['id']}: root <test@example.com>\n",
    )
    with app.app_context():
        assert db.session.scalars(select(ConversationEntry.conversation_id)).all() == ["lobby"]


def test_a_password_from_the_prompt(app: Flask, client: Client) -> None:
    result = run(app, EMAIL, stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert users(app) == [("test", EMAIL, False)]
    assert client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\nmore\n"])
def test_a_password_is_the_first_line_of_the_input(app: Flask, client: Client, ending: str) -> None:
    assert run(app, EMAIL, "--password-stdin", stdin=PASSWORD + ending).exit_code == 0
    assert client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    ("args", "stdin", "message"),
    [
        (["nonsense"], PASSWORD, "EMAIL: Not a valid email address."),
        ([EMAIL, "--username", "a b"], PASSWORD, "--username: Must have"),
        ([EMAIL], "short", "The password: Must have 8 to 72 bytes"),
        ([EMAIL], "", "The password: Must have 8 to 72 bytes"),
        ([EMAIL], "x" * 73, "The password: Must have 8 to 72 bytes"),
    ],
)
def test_invalid_input_is_refused(app: Flask, args: list[str], stdin: str, message: str) -> None:
    result = run(app, *args, "--password-stdin", stdin=stdin)
    assert result.exit_code == 1
    assert message in result.output
    assert users(app) == []


def test_taken_names_are_refused(app: Flask) -> None:
    run(app, EMAIL, "--password-stdin")
    again = run(app, EMAIL, "--password-stdin")
    assert again.exit_code == 1
    assert "An account with this email exists." in again.output
    named = run(app, "other@example.com", "--username", "test", "--password-stdin")
    assert (named.exit_code, "username is taken" in named.output) == (1, True)
    assert len(users(app)) == 1


def test_without_an_email(app: Flask) -> None:
    assert run(app).exit_code == 2


def test_a_database_without_tables(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    result = run(make_app(database_url=f"sqlite:///{tmp_path / 'empty.db'}"), EMAIL, "--password-stdin")
    assert result.exit_code == 1
    assert "no such table: users" in result.output
    assert "flask db upgrade" in result.output
