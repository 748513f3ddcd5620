"""Which credentials the heartbeat finds revoked, where no event tells of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from backend.identity.authenticate import identify
from backend.identity.identity import Credentials
from backend.models import ApiToken, User, UserSession
from backend.models.base import db, utcnow
from backend.realtime import session_checks
from backend.realtime.session_checks import revoked_credentials
from tests.factories import Factory

Ending = Callable[[], Any]


def _end_session(**values: object) -> Ending:
    return lambda: update(UserSession).where(UserSession.user_id == _user_id()).values(**values)


def _end_user(**values: object) -> Ending:
    return lambda: update(User).where(User.id == _user_id()).values(**values)


def _user_id() -> Any:
    return db.session.query(User.id).filter_by(username="ann").scalar_subquery()


EVERY_SESSION = "all users were signed out"
ENDINGS: dict[str, tuple[Ending, list[str]]] = {
    "the session was signed out": (_end_session(is_active=False), ["session"]),
    EVERY_SESSION: (lambda: update(UserSession).values(is_active=False), ["session"]),
    "the session expired": (_end_session(expires_at=utcnow() - timedelta(seconds=1)), ["session"]),
    "the session was deleted": (lambda: delete(UserSession).where(UserSession.user_id == _user_id()), ["session"]),
    "the API token was deleted": (lambda: delete(ApiToken).where(ApiToken.user_id == _user_id()), ["token"]),
    "the user was deactivated": (_end_user(is_active=False), ["session", "token"]),
    "the user was erased": (_end_user(deleted_at=utcnow()), ["session", "token"]),
}


@pytest.mark.parametrize("what", ENDINGS)
@pytest.mark.parametrize("in_one_query", [1, session_checks.IN_ONE_QUERY])
def test_the_credentials_that_ended_are_found_and_no_others(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, what: str, in_one_query: int
) -> None:
    monkeypatch.setattr(session_checks, "IN_ONE_QUERY", in_one_query)
    credentials: dict[str, list[Credentials]] = {}
    for name in ("ann", "ben"):
        client = make.client(make.user(name))
        token = client.post("/api/auth/tokens", {"name": "script"}).get_json()["token"]
        with app.app_context():
            credentials[name] = [identify(secret).credentials for secret in (str(client.token), token)]
    everybody: list[Credentials] = [each for both in credentials.values() for each in both]
    ending, ended = ENDINGS[what]
    with app.app_context():
        assert revoked_credentials(everybody) == set()
        db.session.execute(ending())
        db.session.commit()
        found = revoked_credentials(everybody)
    concerned = everybody if what == EVERY_SESSION else credentials["ann"]
    kinds = {"session": lambda each: each.session_id, "token": lambda each: each.api_token_id}
    expected = [each for each in concerned if any(kinds[kind](each) is not None for kind in ended)]
    assert found == {(each.session_id, each.api_token_id) for each in expected}
