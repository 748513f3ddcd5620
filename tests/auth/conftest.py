"""Fixtures for the tests of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade

from backend.models.base import db
from tests.client import Client

EMAIL, PASSWORD = "test@example.com", "password123"


@pytest.fixture
def register(client: Client) -> Callable[..., dict[str, Any]]:
    """Register through the API, and return the token answer."""

    def act(email: str = EMAIL, password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
        response = client.post("/api/auth/register", {"email": email, "password": password, **fields})
        assert response.status_code == 201, response.get_data()
        answer: dict[str, Any] = response.get_json()
        return answer

    return act


@pytest.fixture
def limited_app(app: Flask, make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """The application with limits, on the database of `app`, with all counts at zero."""
    yield (limited := make_app(rate_limits=True, **_shared(app)))
    _dispose(limited)


@pytest.fixture
def make_limited(app: Flask, make_app: Callable[..., Flask]) -> Iterator[Callable[..., Flask]]:
    """Create applications like `limited_app`, with settings of their own."""
    made: list[Flask] = []

    def make(**overrides: Any) -> Flask:
        made.append(make_app(**{"rate_limits": True, **_shared(app), **overrides}))
        return made[-1]

    yield make
    for each in made:
        _dispose(each)


def _shared(app: Flask) -> dict[str, Any]:
    """The settings by which another application accepts the tokens of *app*."""
    config = app.config["CONFAB"]
    return {
        "database_url": config.database_url,
        "jwt_secret_key": config.jwt_secret_key,
        "secret_key": config.secret_key,
    }


def _dispose(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def migrate(make_app: Callable[..., Flask]) -> Callable[[str], None]:
    """Upgrade the database at an address to head."""

    def act(url: str) -> None:
        app = make_app({"DATABASE_URL": url})
        with app.app_context():
            upgrade()
            db.engine.dispose()

    return act
