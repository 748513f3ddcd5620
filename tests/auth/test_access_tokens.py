"""Access tokens across releases and keys, and the answers of the library that issues them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask_jwt_extended import create_refresh_token, current_user, jwt_required
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from backend.database import MAX_ID
from backend.errors import Unauthorized
from backend.identity import access_tokens
from backend.identity.access_tokens import issue_access_token
from backend.identity.authenticate import identify
from backend.models import User, UserSession
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory

ME = "/api/users/me"
KEY, OTHER_KEY = (secrets.token_hex(32) for _ in range(2))


def previous_release_token(user_id: int, session_id: int, key: str, **changes: Any) -> str:
    """A token as the previous release made it, with PyJWT."""
    now = utcnow()
    claims = {
        "iss": "confab",
        "aud": "confab",
        "sub": str(user_id),
        "sid": session_id,
        "jti": secrets.token_hex(8),
        "iat": now,
        "exp": now + timedelta(minutes=15),
        "type": "access",
    }
    return jwt.encode(claims | changes, key, "HS256")


@pytest.fixture
def owner(make: Factory) -> tuple[User, int]:
    """A user and the id of its session."""
    user = make.user()
    make.token(user)
    with make.app.app_context():
        return user, db.session.scalars(select(UserSession.id)).one()


@pytest.mark.parametrize("previous", [None, KEY], ids=["current", "previous"])
def test_tokens_of_the_previous_release_are_accepted(
    app: Flask, make_app: Callable[..., Flask], owner: tuple[User, int], previous: str | None
) -> None:
    """With the key that signed them as JWT_SECRET_KEY, and as JWT_SECRET_KEY_PREVIOUS."""
    user, session_id = owner
    keys = {"jwt_secret_key": OTHER_KEY if previous else KEY, "jwt_secret_key_previous": previous}
    served = make_app(database_url=app.config["CONFAB"].database_url, **keys)
    client = Client(served, previous_release_token(user.id, session_id, KEY))
    assert client.get(ME).json["id"] == user.id


def test_expiry_is_checked_with_the_previous_key_too(
    app: Flask, make_app: Callable[..., Flask], owner: tuple[User, int]
) -> None:
    url = app.config["CONFAB"].database_url
    served = make_app(database_url=url, jwt_secret_key=OTHER_KEY, jwt_secret_key_previous=KEY)
    old = previous_release_token(owner[0].id, owner[1], KEY, exp=utcnow() - timedelta(seconds=1))
    assert code(Client(served, old).get(ME)) == (401, "token_expired")
    refresh = previous_release_token(owner[0].id, owner[1], KEY, type="refresh")
    assert code(Client(served, refresh).get(ME)) == (401, "unauthorized")


def test_the_librarys_refresh_tokens_are_refused(app: Flask, owner: tuple[User, int]) -> None:
    with app.app_context():
        token = create_refresh_token(str(owner[0].id), additional_claims={"sid": owner[1]})
    assert code(Client(app, token).get(ME)) == (401, "unauthorized")


def test_a_token_has_at_most_4096_characters(app: Flask, owner: tuple[User, int]) -> None:
    """A longer one is refused even if it is signed with our key."""
    key = app.config["CONFAB"].jwt_secret_key
    with app.app_context():
        claims = jwt.decode(issue_access_token(owner[0].id, owner[1]), options={"verify_signature": False})
        tokens = [jwt.encode(claims | {"more": "x" * n}, key, "HS256") for n in range(2_500, 3_000)]
        longest, too_long = (next(token for token in tokens if len(token) == length) for length in (4096, 4097))
        assert identify(longest).user.id == owner[0].id
        with pytest.raises(Unauthorized):
            identify(too_long)


def test_an_identity_ends_with_its_token(app: Flask, owner: tuple[User, int]) -> None:
    """A socket closes when the identity that opened it ends."""
    with app.app_context():
        token = issue_access_token(owner[0].id, owner[1])
        expires = jwt.decode(token, options={"verify_signature": False})["exp"]
        assert identify(token).credentials.expires_at == datetime.fromtimestamp(expires, UTC)


def test_a_token_is_verified_once_and_its_session_looked_up_each_time(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = make.token(make.user())
    verified: list[str] = []
    real = access_tokens.decode_token
    monkeypatch.setattr(access_tokens, "decode_token", lambda given: verified.append(given) or real(given))
    with app.app_context():
        for _ in range(3):
            assert identify(token).session_id
        assert verified == [token]
        db.session.execute(update(UserSession).values(is_active=False))
        db.session.commit()
        with pytest.raises(access_tokens.TokenRevoked):
            identify(token)


@pytest.fixture
def decorated(app: Flask, make_app: Callable[..., Flask]) -> Flask:
    """An application with two views that the library's own decorator guards."""
    url = app.config["CONFAB"].database_url
    served = make_app(database_url=url, jwt_secret_key=KEY)

    @jwt_required()
    def whoami() -> dict[str, Any]:
        return {"id": current_user.id, "scopes": sorted(current_user.scopes)}

    @jwt_required(fresh=True)
    def fresh() -> dict[str, Any]:
        return {}

    served.add_url_rule("/whoami", "whoami", whoami)
    served.add_url_rule("/fresh", "fresh", fresh)
    return served


def test_the_librarys_decorator_accepts_what_identify_accepts(decorated: Flask, owner: tuple[User, int]) -> None:
    client = Client(decorated, previous_release_token(owner[0].id, owner[1], KEY))
    assert client.get("/whoami").json == {"id": owner[0].id, "scopes": ["admin", "health", "read", "write"]}


def test_the_librarys_decorator_uses_the_present_key_after_a_token_of_the_previous_one(
    app: Flask, make_app: Callable[..., Flask], owner: tuple[User, int]
) -> None:
    url = app.config["CONFAB"].database_url
    served = make_app(database_url=url, jwt_secret_key=OTHER_KEY, jwt_secret_key_previous=KEY)
    served.add_url_rule("/whoami", "whoami", jwt_required()(lambda: {"id": current_user.id}))
    old, new = (previous_release_token(owner[0].id, owner[1], key) for key in (KEY, OTHER_KEY))
    with served.app_context():
        assert identify(old).user.id == owner[0].id
        assert Client(served, new).get("/whoami").json == {"id": owner[0].id}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": utcnow() - timedelta(minutes=1)}, "token_expired"),
        ({"exp": 253_402_300_799 + 1}, "unauthorized"),
        ({"sid": MAX_ID}, "token_revoked"),
        ({"sid": MAX_ID + 1}, "unauthorized"),
        ({"sid": 0}, "unauthorized"),
        ({"sub": "0"}, "token_revoked"),
        ({"sid": "1"}, "unauthorized"),
        ({"sid": None}, "unauthorized"),
        ({"type": None}, "unauthorized"),
        ({"type": "other"}, "unauthorized"),
        ({"type": "refresh"}, "unauthorized"),
        ({"aud": "other"}, "unauthorized"),
        ({"iss": "other"}, "unauthorized"),
        ({"iat": utcnow() + timedelta(hours=1)}, "unauthorized"),
    ],
)
def test_the_librarys_decorator_answers_with_our_problems(
    decorated: Flask, owner: tuple[User, int], changes: dict[str, Any], expected: str
) -> None:
    token = previous_release_token(owner[0].id, owner[1], KEY, **changes)
    assert_problem(Client(decorated, token).get("/whoami"), expected)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer a b", "Bearer x.y.z", "Basic dGVzdDp0ZXN0"])
def test_headers_that_the_librarys_decorator_refuses(decorated: Flask, wiped: None, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert_problem(Client(decorated).get("/whoami", headers=headers), "unauthorized")


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, (response.get_json() or {}).get("code", "")


def assert_problem(response: TestResponse, expected: str) -> None:
    assert code(response) == (401, expected)
    assert response.mimetype == "application/problem+json"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.get_json()["request_id"] == response.headers["X-Request-ID"]


def test_a_view_that_needs_a_fresh_token_asks_for_confirmation(decorated: Flask, owner: tuple[User, int]) -> None:
    response = Client(decorated, previous_release_token(owner[0].id, owner[1], KEY)).get("/fresh")
    assert code(response) == (403, "reauthentication_required")
    assert response.mimetype == "application/problem+json"


def test_the_librarys_decorator_refuses_a_session_that_ended(decorated: Flask, owner: tuple[User, int]) -> None:
    with decorated.app_context():
        db.session.execute(update(UserSession).values(is_active=False))
        db.session.commit()
    token = previous_release_token(owner[0].id, owner[1], KEY)
    assert_problem(Client(decorated, token).get("/whoami"), "token_revoked")


def test_a_user_whom_the_library_does_not_find_is_revoked(decorated: Flask, owner: tuple[User, int]) -> None:
    decorated.extensions["flask-jwt-extended"].user_lookup_loader(lambda _header, _claims: None)
    token = previous_release_token(owner[0].id, owner[1], KEY)
    assert_problem(Client(decorated, token).get("/whoami"), "token_revoked")
