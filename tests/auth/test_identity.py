"""Which bearer tokens are accepted."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from flask import Flask
from sqlalchemy import exc, inspect, select, update

from backend.identity import authenticate, session_lookup
from backend.identity.access_tokens import issue_access_token
from backend.models import ApiToken, User, UserSession
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret
from backend.state import confab_state
from tests.client import Client
from tests.factories import Factory
from tests.processes import wait_until
from tests.queries import count_queries
from tests.races import hold_row

URL = "/api/auth/sessions"


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def answer(app: Flask, header: str) -> tuple[int, str]:
    response = Client(app).get(URL, headers={"Authorization": header})
    if response.status_code == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    return response.status_code, (response.get_json() or [{}])["code"] if response.status_code >= 400 else ""


def test_the_claims(make: Factory) -> None:
    user = make.user()
    claims = claims_of(make.token(user))
    assert claims.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "type", "fresh"}
    assert claims["fresh"] is False  # the library always adds it, and Confab does not read it
    assert (claims["sub"], claims["type"], claims["exp"] - claims["iat"]) == (str(user.id), "access", 900)


def test_forged_tokens(app: Flask, make: Factory) -> None:
    user = make.user()
    token = make.token(user)
    key = app.config["CONFAB"].jwt_secret_key
    head, body, signature = token.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    bad = [
        jwt.encode(claims_of(token), "another key of at least thirty-two bytes", "HS256"),
        jwt.encode(claims_of(token), key.ljust(64, "x"), "HS512"),
        jwt.encode(claims_of(token), key, "HS384") if len(key) >= 48 else f"{head}.{body}.",
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{body}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}..{signature}",
        "a.b.c",
        "...",
        "x" * 4097,
        token + "x" * 4097,
        "confab_unknown",
        "[" * 3000,
        "caf\xe9",
        "\xff\xfe\x80",
    ]
    assert {answer(app, f"Bearer {each}") for each in bad} == {(401, "unauthorized")}


def test_the_previous_key_still_verifies(make_app: Callable[..., Flask], app: Flask, make: Factory) -> None:
    """JWT_SECRET_KEY changes, once with the old key as JWT_SECRET_KEY_PREVIOUS and once without it."""
    user = make.user()
    old = make.token(user)
    config = app.config["CONFAB"]
    given = {"database_url": config.database_url, "jwt_secret_key": "another-" * 5}
    both = make_app(**given, jwt_secret_key_previous=config.jwt_secret_key)
    assert Client(both, old).get("/api/users/me").json["id"] == user.id
    assert Client(make_app(**given), old).get("/api/users/me").json["code"] == "unauthorized"
    new = Factory(both).token(user)
    assert Client(app, new).get("/api/users/me").json["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("claim", "values"),
    [
        ("iss", ["other", None, 1]),
        ("aud", ["other", None, ["other"]]),
        ("sub", [None, 1, ""]),
        ("sid", [None, "1", 1.0, True, 0, -1, 2**63, 10**30, [1]]),
        ("jti", [None, 1]),
        ("type", [None, "refresh", 1]),
        ("exp", [None, "soon", [1], "9" * 500, 1e308, 10**12, 2**63, 10**400]),
        ("iat", [None, "now", 10**11]),
        ("nbf", [10**11]),
    ],
)
def test_wrong_claims_are_refused(app: Flask, make: Factory, claim: str, values: list[Any]) -> None:
    good = claims_of(make.token(make.user()))
    for value in values:
        claims = good | {claim: value}
        if value is None:
            del claims[claim]
        forged = encode(claims, app.config["CONFAB"].jwt_secret_key)
        status, code = answer(app, f"Bearer {forged}")
        assert (status, code in ("unauthorized", "token_revoked")) == (401, True), (claim, value, code)


def encode(claims: dict[str, Any], key: str) -> str:
    """Like jwt.encode, which refuses to write what it would not read."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, "HS256", {"typ": "JWT"})


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dGVzdDp0ZXN0", "bearer", "Token x", "\x80"])
def test_headers_without_a_token(app: Flask, header: str) -> None:
    assert answer(app, header) == (401, "unauthorized")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_case_insensitive(app: Flask, make: Factory, scheme: str) -> None:
    assert answer(app, f"{scheme} {make.token(make.user())}")[0] == 200


@pytest.mark.parametrize("token", ["\ud800", "confab_\ud800", "a.\ud800.c", "\x00", ""])
def test_the_query_may_contain_any_characters(app: Flask, token: str) -> None:
    """A socket's token comes from the query, which can contain more characters than a header."""
    with app.app_context(), pytest.raises(authenticate.Unauthorized):
        authenticate.identify(token)


def test_a_valid_token_of_another_scheme_is_refused(app: Flask, make: Factory) -> None:
    token = make.token(make.user())
    assert [answer(app, f"{scheme} {token}")[0] for scheme in ("Bearer", "Basic", "Token")] == [200, 401, 401]


def test_a_token_expires_after_15_minutes(app: Flask, make: Factory) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = make.token(make.user())
        clock.shift(899)
        assert answer(app, f"Bearer {token}") == (200, "")
        clock.shift(1)
        assert answer(app, f"Bearer {token}") == (401, "token_expired")


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (UserSession, {"is_active": False}),
        (UserSession, {"expires_at": utcnow()}),
        (User, {"is_active": False}),
        (User, {"deleted_at": utcnow()}),
    ],
)
def test_events_that_end_a_token_at_once(app: Flask, make: Factory, model: Any, values: dict[str, Any]) -> None:
    token = make.token(make.user())
    assert answer(app, f"Bearer {token}") == (200, "")
    with app.app_context():
        db.session.execute(update(model).values(**values))
        db.session.commit()
    assert answer(app, f"Bearer {token}") == (401, "token_revoked")


def test_a_session_ends_at_the_moment_when_it_expires(app: Flask, make: Factory) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = make.token(make.user())
        with app.app_context():
            db.session.execute(update(UserSession).values(expires_at=utcnow() + timedelta(minutes=1)))
            db.session.commit()
        clock.shift(59)
        assert answer(app, f"Bearer {token}") == (200, "")
        clock.shift(1)
        assert answer(app, f"Bearer {token}") == (401, "token_revoked")


def test_a_call_with_an_ended_session_is_no_use_of_it(app: Flask, make: Factory) -> None:
    token = make.token(make.user())
    with app.app_context():
        db.session.execute(update(UserSession).values(is_active=False))
        db.session.commit()
    assert answer(app, f"Bearer {token}") == (401, "token_revoked")
    assert seen_at(app) == (None, None)


def test_the_session_of_another_user_or_of_none(app: Flask, make: Factory) -> None:
    alice, bob = make.user(), make.user()
    make.token(alice)
    with app.app_context():
        session_id = db.session.scalar(select(UserSession.id))
        assert session_id is not None
        foreign = issue_access_token(bob.id, session_id)
        missing = issue_access_token(alice.id, session_id + 1)
    assert answer(app, f"Bearer {foreign}") == (401, "token_revoked")
    assert answer(app, f"Bearer {missing}") == (401, "token_revoked")


def add_api_token(app: Flask, user: User, **fields: Any) -> str:
    with app.app_context():
        fields = {"scopes": ["read"], **fields}
        db.session.add(ApiToken(user_id=user.id, name="script", token=hash_secret("confab_x"), **fields))
        db.session.commit()
    return "confab_x"


def test_an_api_token(app: Flask, make: Factory) -> None:
    user = make.user()
    token = add_api_token(app, user, expires_at=utcnow() + timedelta(days=1))
    with app.app_context():
        caller = authenticate.identify(token)
    assert (caller.user.id, caller.scopes, caller.session_id) == (user.id, {"read"}, None)
    assert answer(app, f"Bearer {token}") == (200, "")
    response = Client(app, token).delete(URL)
    assert (response.status_code, response.get_json()["code"]) == (403, "insufficient_scope")


def test_an_api_token_that_expired(app: Flask, make: Factory) -> None:
    assert answer(app, f"Bearer {add_api_token(app, make.user(), expires_at=utcnow())}") == (401, "token_expired")


@pytest.mark.parametrize("values", [{"is_active": False}, {"deleted_at": utcnow()}])
def test_an_api_token_of_an_account_that_may_not_sign_in(app: Flask, make: Factory, values: dict[str, Any]) -> None:
    assert answer(app, f"Bearer {add_api_token(app, make.user(**values))}") == (401, "token_revoked")


def test_the_user_is_a_snapshot_with_every_column(app: Flask, make: Factory) -> None:
    user = make.user(first_name="Ada", bio="Countess")
    token = make.token(user)
    with app.app_context():
        seen = authenticate.identify(token).user
        for column in [attribute.key for attribute in User.__mapper__.column_attrs]:
            if column != "last_seen_at":
                assert getattr(seen, column) == getattr(user, column)
        assert seen not in db.session
        assert inspect(seen).detached


@pytest.mark.parametrize("of", ["session", "API token"])
def test_identification_takes_one_query(app: Flask, make: Factory, of: str) -> None:
    user = make.user()
    token = make.token(user) if of == "session" else add_api_token(app, user)
    with app.app_context():
        authenticate.identify(token)
        with count_queries(app) as queries:
            authenticate.identify(token)
    assert len(queries) == 1


def seen_at(app: Flask) -> tuple[Any, Any]:
    with app.app_context():
        row = db.session.execute(select(UserSession.last_seen_at, User.last_seen_at).join(UserSession.user)).one()
        return row[0], row[1]


def test_last_seen_is_recorded_once_a_minute(app: Flask, make: Factory) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = make.token(make.user())
        start = utcnow()
        answer(app, f"Bearer {token}")
        assert seen_at(app) == (start, start)
        clock.shift(60)
        answer(app, f"Bearer {token}")
        assert seen_at(app) == (start, start)
        clock.shift(1)
        answer(app, f"Bearer {token}")
        assert seen_at(app) == (utcnow(), utcnow())


def test_a_call_is_no_use_of_other_sessions(app: Flask, make: Factory) -> None:
    user, other = make.user(), make.user()
    token, _, _ = make.token(user), make.token(user), make.token(other)
    assert answer(app, f"Bearer {token}") == (200, "")
    with app.app_context():
        used = select(UserSession.id, UserSession.user_id).where(UserSession.last_seen_at.is_not(None))
        assert [tuple(row) for row in db.session.execute(used)] == [(claims_of(token)["sid"], user.id)]
        assert db.session.scalars(select(User.id).where(User.last_seen_at.is_not(None))).all() == [user.id]


def test_last_seen_does_not_count_as_a_change(app: Flask, make: Factory) -> None:
    user = make.user()
    answer(app, f"Bearer {make.token(user)}")
    with app.app_context():
        assert db.session.scalar(select(User.updated_at)) == user.updated_at


def test_a_read_only_database_still_identifies(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    token = make.token(make.user())

    def refuse(*_: Any) -> None:
        raise exc.OperationalError("UPDATE", {}, Exception("the database is locked"))

    with app.app_context():
        monkeypatch.setattr(type(db.engine), "begin", refuse)
        assert authenticate.identify(token).session_id
    assert seen_at(app) == (None, None)


def test_requests_that_wait_behind_an_outage_fail_with_it(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would otherwise wait for the database in its turn."""
    token, tried = make.token(make.user()), list[Any]()
    started, go = threading.Event(), threading.Event()
    batcher: Any = confab_state(app).load_session

    def failing(engine: Any) -> Any:
        tried.append(engine)
        started.set()
        assert go.wait(20)
        raise exc.OperationalError("SELECT", {}, Exception("away"), connection_invalidated=True)

    monkeypatch.setattr(session_lookup, "read_engine", failing)

    def call() -> str:
        with app.app_context(), pytest.raises(exc.OperationalError) as caught:
            authenticate.identify(token)
        return str(caught.value.orig)

    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(call)
        assert started.wait(20)
        others = [pool.submit(call) for _ in range(5)]
        wait_until(lambda: batcher.waiting == 5, "all to wait")
        go.set()
        assert [each.result() for each in (first, *others)] == ["away"] * 6
    assert len(tried) == 1


def test_a_locked_user_row_delays_no_request(postgresql_app: Flask, wiped: None) -> None:
    """A transaction that changes a user's row delays neither that user's requests nor the requests that share the query."""
    make = Factory(postgresql_app)
    token = make.token(make.user())
    with hold_row(postgresql_app, User), postgresql_app.app_context():
        assert authenticate.identify(token).session_id
    session_seen_at, user_seen_at = seen_at(postgresql_app)
    assert session_seen_at is not None
    assert user_seen_at is None
