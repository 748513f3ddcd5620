"""Tickets: each stands for the session, or the API token, that requested it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from backend.errors import Unauthorized
from backend.identity.authenticate import identify
from backend.identity.tickets import create_ticket, identify_socket
from backend.models import ApiToken, User, UserSession
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
    made: dict[str, Any] = ann.post("/api/auth/tokens", {"name": "bot", "scopes": ["read"]}).get_json()
    with app.app_context():
        found = identify_socket(ticket_of(made["token"]))
        assert (found.user.id, found.api_token_id, found.session_id) == (ann.user.id, made["id"], None)  # type: ignore[attr-defined]
        assert found.scopes == {"read"}


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
