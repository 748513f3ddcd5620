"""Tickets: each stands for the session, or the API token, that requested it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, func, select, update

from backend.errors import TokenRevoked, Unauthorized
from backend.identity.authenticate import identify
from backend.identity.tickets import create_ticket, identify_socket
from backend.models import ApiToken, User, UserSession, WsTicket
from backend.models.base import db, utcnow
from tests.factories import Factory


def ticket_of(token: str) -> str:
    ticket: str = create_ticket(identify(token))["ticket"]
    return ticket


def test_the_ticket_of_a_session(app: Flask, make: Factory) -> None:
    user = make.user()
    token = make.token(user)
    with app.app_context():
        ticket, asker = ticket_of(token), identify(token)
        found = identify_socket(ticket)
        assert (found.user.id, found.session_id, found.scopes) == (user.id, asker.session_id, asker.scopes)
        assert found.credentials.expires_at is None, "the ticket lives longer than the access token"
        with pytest.raises(Unauthorized):
            identify_socket(ticket)


def test_the_ticket_of_an_api_token(app: Flask, make: Factory) -> None:
    ann = make.client()
    ann.post("/api/auth/tokens", {"name": "another"})
    body = {"name": "bot", "scopes": ["read"], "expires_at": (utcnow() + timedelta(hours=1)).isoformat()}
    made: dict[str, Any] = ann.post("/api/auth/tokens", body).get_json()
    with app.app_context():
        found = identify_socket(ticket_of(made["token"]))
        assert (found.user.id, found.api_token_id, found.session_id) == (ann.user.id, made["id"], None)  # type: ignore[attr-defined]
        assert found.scopes == {"read"}
        assert found.credentials.expires_at is not None, "the socket ends with the token"
        assert found.credentials.expires_at.isoformat().replace("+00:00", "Z") == made["expires_at"]


@pytest.mark.parametrize(("seconds", "is_valid"), [(29.999, True), (30, False)])
def test_a_ticket_is_valid_for_30_seconds(app: Flask, make: Factory, seconds: float, is_valid: bool) -> None:
    with time_machine.travel(utcnow().replace(microsecond=0), tick=False) as clock, app.app_context():
        user = make.user()
        made = create_ticket(identify(make.token(user)))
        assert made["expires_in"] == 30
        clock.shift(seconds)
        if is_valid:
            assert identify_socket(made["ticket"]).user.id == user.id
        else:
            with pytest.raises(Unauthorized):
                identify_socket(made["ticket"])


def test_a_user_has_several_valid_tickets_and_no_expired_ones(app: Flask, make: Factory) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock, app.app_context():
        token = make.token(make.user())
        ticket_of(token)
        clock.shift(31)
        tickets = [ticket_of(token) for _ in range(2)]
        assert len({identify_socket(ticket).session_id for ticket in tickets}) == 1
        assert db.session.scalar(select(func.count()).select_from(WsTicket)) == 2


@pytest.mark.parametrize("scope", ["admin", "health"])
def test_a_token_that_may_neither_read_nor_write_opens_no_socket(app: Flask, make: Factory, scope: str) -> None:
    root = make.client(make.user(is_superuser=True))
    blind, seeing = (
        root.post("/api/auth/tokens", {"name": "x", "scopes": scopes}).get_json()["token"]
        for scopes in ([scope], [scope, "read"])
    )
    with app.app_context():
        for each in (blind, ticket_of(blind)):
            with pytest.raises(Unauthorized, match="read or write"):
                identify_socket(each)
        for each in (seeing, ticket_of(seeing)):
            assert scope in identify_socket(each).scopes


ENDS = {
    "deleted": delete,
    "expired": lambda model: update(model).values(expires_at=utcnow()),
    "deactivated": lambda _: update(User).values(is_active=False),
    "erased": lambda _: update(User).values(deleted_at=utcnow()),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("of", ["session", "api token"])
def test_a_ticket_ends_with_the_session_or_token_that_requested_it(
    app: Flask, make: Factory, of: str, end: str
) -> None:
    ann = make.client()
    made: dict[str, Any] = ann.post("/api/auth/tokens", {"name": "bot"}).get_json()
    with app.app_context():
        ticket = ticket_of(str(ann.token) if of == "session" else made["token"])
        db.session.execute(ENDS[end](UserSession if of == "session" else ApiToken))
        db.session.commit()
        with pytest.raises(Unauthorized):
            identify_socket(ticket)


@pytest.mark.parametrize("ticket", ["ticket_", "ticket_x", "ticket_" + "x" * 10_000, "ticket_é"])
def test_a_ticket_that_was_not_issued(app: Flask, ticket: str) -> None:
    with app.app_context(), pytest.raises(Unauthorized):
        identify_socket(ticket)


@pytest.mark.parametrize("model", [UserSession, ApiToken])
def test_a_ticket_for_what_is_deleted_meanwhile(app: Flask, make: Factory, model: type[UserSession | ApiToken]) -> None:
    ann = make.client()
    secret = ann.post("/api/auth/tokens", {"name": "script"}).json["token"]
    with app.app_context():
        caller = identify(secret if model is ApiToken else ann.token or "")
        db.session.execute(delete(model))
        db.session.commit()
        with pytest.raises(TokenRevoked):
            create_ticket(caller)
        assert db.session.scalar(select(func.count()).select_from(WsTicket)) == 0
