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
from backend.realtime.transport.frames import Close
from tests.factories import Factory
from tests.queries import count_parameters
from tests.realtime.scenario import Scenario, wait_until

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


def test_a_statement_has_only_so_many_ids(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite and PostgreSQL limit them. Each statement also has the time at which sessions end."""
    monkeypatch.setattr(session_checks, "IN_ONE_QUERY", 2)
    ann = make.client()
    with app.app_context():
        valid = identify(str(ann.token)).credentials
        ended = [Credentials(valid.user_id, valid.scopes, session_id=900_000 + number) for number in range(4)]
        with count_parameters(app) as counts:
            found = revoked_credentials([valid, *ended])
    assert found == {(each.session_id, None) for each in ended}
    assert max(counts) == 3
    assert len(counts) == 6, "three parts are counted, and read because none is complete"


def test_only_the_sockets_of_ended_credentials_are_closed(scenario: Scenario) -> None:
    """Of one user's sockets those of the session that ended, and of nobody else."""
    ann, ben = scenario.ann.user, scenario.ben.user  # type: ignore[attr-defined]
    signed_out = scenario.make.client(ben)
    api_token = scenario.ben.post("/api/auth/tokens", {"name": "script"}).get_json()["token"]
    tokens = [signed_out.token, signed_out.token, scenario.make.token(ben), api_token, scenario.make.token(ann)]
    devices = []
    for number, token in enumerate(tokens):
        client = scenario.ann if number == 4 else scenario.ben
        devices.append(scenario.device(client, f"{number}", ["read"]))
        devices[-1].command("auth", token=token)
    connections = [device.connection for device in devices]
    checks = scenario.hub.session_checks
    checks.close_revoked([])
    checks.close_revoked(connections)
    assert [connection.is_open for connection in connections] == [True] * 5
    assert signed_out.post("/api/auth/logout").status_code == 204
    checks.close_revoked(connections[1:])
    assert [connection.is_open for connection in connections] == [True, False, True, True, True]
    checks.close_revoked(connections)
    assert [connection.is_open for connection in connections] == [False, False, True, True, True]
    assert wait_until(lambda: devices[0].frames() and devices[0].close_code)
    assert devices[0].close_code == Close.UNAUTHORIZED
