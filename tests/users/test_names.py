"""Usernames and email addresses: comparison, reserved names, and where mail is sent."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from backend.auth.service import find_account
from backend.models import User
from backend.models.base import db
from backend.users.emails import fold_email, normalize_email
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing

OVERRIDE, ESCAPE, ISOLATE, ZERO_WIDTH = "\u202egnp.exe", "\x1b[31m", "\u2066x\u2069", "a\u200bb"
UNSEEN = [OVERRIDE, ESCAPE, ISOLATE, ZERO_WIDTH, "two\nlines", "\u200d\u200d", "\u3164", "\u2800", "\ufeffBOM"]
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Each character that changes the direction of text: Bidi_Control in Unicode."""

REGISTER = "/api/auth/register"


def register(client: Client, email: str = "ann@example.com", **fields: Any) -> Any:
    return client.post(REGISTER, {"email": email, "password": "password123", **fields})


# -- addresses


def test_mail_goes_to_the_address_as_it_was_typed(client: Client, outgoing: Outgoing) -> None:
    assert register(client, "Ann.Lee@Straße.example").status_code == 201
    outgoing.outbox.drain()
    assert [mail.to for mail in outgoing.mails] == ["Ann.Lee@straße.example"]


def test_different_domains_have_different_accounts(client: Client) -> None:
    assert register(client, "ann@straße.example").status_code == 201
    assert register(client, "ann@strasse.example").status_code == 201
    assert register(client, "ANN@xn--strae-oqa.example").json["code"] == "email_taken"
    for email in ("Ann@STRAßE.example", "ann@xn--strae-oqa.example"):
        assert client.post("/api/auth/login", {"email": email, "password": "password123"}).status_code == 200


def test_mail_follows_a_change_of_the_email(make: Factory, outgoing: Outgoing) -> None:
    client = make.client()
    assert client.patch("/api/users/me", {"email": "Ann@Faß.example"}).status_code == 200
    outgoing.outbox.drain()
    assert [mail.to for mail in outgoing.mails if "Confirm" in mail.subject] == ["Ann@faß.example"]


def test_an_older_account_gets_its_mail(app: Flask, client: Client, outgoing: Outgoing) -> None:
    assert register(client).status_code == 201
    with app.app_context():
        db.session.execute(update(User).values(mail_address=None))
        db.session.commit()
    outgoing.outbox.drain()
    assert [mail.to for mail in outgoing.mails] == ["ann@example.com"]


@pytest.mark.parametrize(
    ("typed", "kept", "folded"),
    [
        ("A@Ex.Example.Com", "A@ex.example.com", "a@ex.example.com"),
        ("Åsa@EXÄMPLE.se", "Åsa@exämple.se", "åsa@exämple.se"),
        ("a@EXAMPLE。com", "a@example.com", "a@example.com"),
        ("ops@mail.local", "ops@mail.local", "ops@mail.local"),
    ],
)
def test_stored_and_folded_forms_of_an_address(typed: str, kept: str, folded: str) -> None:
    assert (normalize_email(typed), fold_email(typed)) == (kept, folded)
    assert fold_email(kept) == folded


# -- usernames


def test_usernames_are_unique_regardless_of_case(client: Client) -> None:
    first = register(client, username="Alice").json["user"]
    assert first["username"] == "Alice"
    assert register(client, "b@example.com", username="aLICE").json["code"] == "username_taken"
    answer = client.post("/api/auth/login", {"username": "alice", "password": "password123"})
    assert answer.json["user"]["id"] == first["id"]
    form = {"username": "ALICE", "password": "password123", "grant_type": "password"}
    assert client.post("/token", data=form).json["user"]["id"] == first["id"]


def test_a_user_can_change_the_case_of_their_username(make: Factory) -> None:
    client, other = make.client(make.user("alice")), make.client()
    assert client.patch("/api/users/me", {"username": "Alice"}).json["username"] == "Alice"
    assert other.patch("/api/users/me", {"username": "ALICE"}).json["code"] == "username_taken"


def test_older_accounts_keep_their_names(app: Flask, make: Factory) -> None:
    """Of two names that differ only in case the older account has the folded name, and the other is found by its exact name."""
    old, young = make.user("Bob"), make.user("tmp")
    with app.app_context():
        db.session.execute(update(User).where(User.id == young.id).values(username="bob", username_key=None))
        db.session.commit()
        assert [find_account(username=name).user_id for name in ("Bob", "bob", "BOB")] == [old.id, young.id, old.id]


@pytest.mark.parametrize("name", ["admin", "Support", "EVERYONE", "room", "root"])
def test_reserved_names_are_refused(client: Client, make: Factory, name: str) -> None:
    assert register(client, username=name).json["code"] == "username_taken"
    assert make.client().patch("/api/users/me", {"username": name}).json["code"] == "username_taken"
    assert register(client, f"{name}@example.com").json["user"]["username"] != name


def test_the_command_line_can_use_reserved_names(app: Flask) -> None:
    result = app.test_cli_runner().invoke(
        args=["users", "create", "root@example.com", "--username", "root", "--password-stdin"], input="password123\n"
    )
    assert result.exit_code == 0, result.output
    with app.app_context():
        assert db.session.scalars(select(User.username)).all() == ["root"]


# -- characters in names


@pytest.mark.parametrize("name", UNSEEN, ids=ascii)
def test_characters_that_names_may_not_contain(client: Client, make: Factory, name: str) -> None:
    signed_in = make.client()
    faulty = [
        (register(client, first_name=name), "first_name"),
        (register(client, last_name=name), "last_name"),
        (client.post("/api/auth/login", {"email": "a@b.se", "password": "x", "device_info": name}), "device_info"),
        (signed_in.post("/api/rooms", {"name": name}), "name"),
        (signed_in.patch("/api/users/me", {"full_name": name}), "full_name"),
    ]
    for answer, field in faulty:
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_no_name_contains_a_character_that_changes_the_direction(make: Factory) -> None:
    """Each of them alone: an isolate that is not closed changes the text after the name."""
    root = make.client(make.user(is_superuser=True))
    for character in DIRECTIONS:
        name = f"a{character}b"
        answers = [
            root.patch("/api/users/me", {"full_name": name}),
            root.post("/api/rooms", {"name": name}),
            root.post("/api/roles", {"name": name}),
            root.post("/api/auth/tokens", {"name": name}),
        ]
        assert [answer.status_code for answer in answers] == [422] * 4, ascii(character)


@pytest.mark.parametrize("name", ["👩\u200d💻 coders", "می\u200cخواهم", "Zoë 🏴\U000e0067\U000e0062\U000e007f", "日本"])
def test_characters_that_names_may_contain(make: Factory, name: str) -> None:
    assert make.client().post("/api/rooms", {"name": name}).json["name"] == name


def test_a_user_agent_is_cleaned(client: Client) -> None:
    agent = "Mozilla/5.0 \x1b[31m\u202e evil".encode().decode("latin-1")
    answer = client.post(REGISTER, {"email": "a@example.com", "password": "password123"}, headers={"User-Agent": agent})
    client.token = answer.json["access_token"]
    [session] = client.get("/api/auth/sessions").json
    assert "\x1b" not in session["device_info"]
