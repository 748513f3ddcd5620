"""Fixtures for the tests of accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from backend.models.base import db
from backend.rate_limiting.storage import make_limiter
from backend.state import confab_state
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


Idle = dict[str, list[tuple[Flask, dict[str, Any]]]]


@pytest.fixture(scope="session")
def idle_apps() -> Idle:
    """Applications that no test uses at present and the parts of their state, by their settings.

    Making one takes as long as twenty requests.
    """
    return defaultdict(list)


@pytest.fixture
def limited_app(make_limited: Callable[..., Flask]) -> Flask:
    """The application with limits, on the database of `app`, with all counts at zero."""
    return make_limited()


@pytest.fixture
def make_limited(app: Flask, make_app: Callable[..., Flask], idle_apps: Idle) -> Iterator[Callable[..., Flask]]:
    """Make applications like `limited_app`, with settings of their own.

    What `make_limited` returns may have served an earlier test; after `make_limited(is_new=True)` the test may add routes.
    """
    usual = {"rate_limits": True, **_shared(app)}
    lent: list[tuple[str, tuple[Flask, dict[str, Any]]]] = []
    closed: list[Flask] = []

    def make(*, is_new: bool = False, **overrides: Any) -> Flask:
        key = repr(usual | overrides)
        if idle_apps[key] and not is_new:
            made, parts = idle_apps[key].pop()
            vars(confab_state(made)).update(parts)
            if parts["rate_limiter"]:
                confab_state(made).rate_limiter = make_limiter(None)
        else:
            made = make_app(**(usual | overrides))
            parts = dict(vars(confab_state(made)))
        if not is_new and "redis_url" not in overrides:
            lent.append((key, (made, parts)))
        if is_new or overrides:
            closed.append(made)
        return made

    yield make
    for key, unused in lent:
        idle_apps[key].append(unused)
    for each in closed:
        with each.app_context():
            db.engine.dispose()  # its connections: there are many applications, and the server accepts a hundred


def _shared(app: Flask) -> dict[str, Any]:
    """The settings by which another application accepts the tokens of *app*."""
    config = app.config["CONFAB"]
    return {
        "database_url": config.database_url,
        "jwt_secret_key": config.jwt_secret_key,
        "secret_key": config.secret_key,
    }
