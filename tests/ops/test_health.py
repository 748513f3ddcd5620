"""Health checks: alive, ready, detailed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend.models import ApiToken
from backend.models.base import db
from backend.ops import service
from backend.schema.revisions import head_revision
from backend.security.hashing import hash_secret, new_secret
from backend.settings import VERSION
from tests.client import Client
from tests.factories import Factory
from tests.processes import free_port
from tests.queries import count_queries

ALIVE, READY, DETAILED = "/api/health", "/api/health/ready", "/api/health/detailed"


@pytest.fixture
def revision(app: Flask) -> Iterator[Callable[[str | None], None]]:
    """Set the revision that the database reports, and restore it."""

    def say(value: str | None) -> None:
        with app.app_context():
            db.session.execute(text("DELETE FROM alembic_version"))
            if value is not None:
                db.session.execute(text("INSERT INTO alembic_version VALUES (:v)"), {"v": value})
            db.session.commit()

    yield say
    say(head_revision())


@pytest.fixture
def api_token(app: Flask) -> Callable[..., Client]:
    """Create a client with an API token of a user."""

    def make(user_id: int, *scopes: str) -> Client:
        secret = f"confab_{new_secret()}"
        with app.app_context():
            db.session.add(ApiToken(user_id=user_id, name="probe", token=hash_secret(secret), scopes=list(scopes)))
            db.session.commit()
        return Client(app, secret)

    return make


def test_alive_uses_no_database(app: Flask, client: Client) -> None:
    with count_queries(app) as statements:
        response = client.get(ALIVE)
    assert response.status_code == 200
    assert response.json["status"] == "healthy"
    assert abs(datetime.fromisoformat(response.json["timestamp"]) - datetime.now(UTC)) < timedelta(seconds=5)
    assert response.json["timestamp"].endswith("Z")
    assert statements == []


def test_alive_without_a_database(make_app: Callable[..., Flask]) -> None:
    app = make_app({"DATABASE_URL": f"postgresql://confab@127.0.0.1:{free_port()}/confab"})
    assert Client(app).get(ALIVE).status_code == 200


def test_ready(client: Client) -> None:
    response = client.get(READY)
    assert (response.status_code, response.json["status"], response.json["degraded"]) == (200, "ready", [])


def test_not_ready_without_a_database(make_app: Callable[..., Flask]) -> None:
    app = make_app({"DATABASE_URL": f"postgresql://confab@127.0.0.1:{free_port()}/confab"})
    response = Client(app).get(READY)
    assert (response.status_code, response.json["code"]) == (503, "unavailable")
    assert list(response.json["errors"]) == ["database"]
    assert "database" in response.json["detail"]
    assert "127.0.0.1" not in response.text
    assert "Retry-After" in response.headers


@pytest.mark.parametrize("value", [None, "ffffffffffff"])
def test_not_ready_on_another_revision(
    client: Client, revision: Callable[[str | None], None], value: str | None
) -> None:
    revision(value)
    response = client.get(READY)
    assert (response.status_code, list(response.json["errors"])) == (503, ["schema revision"])
    assert "flask db upgrade" in response.json["errors"]["schema revision"][0]


def test_ready_and_degraded_without_the_bus(make_app: Callable[..., Flask], sqlite_app: Flask) -> None:
    """Sends work without Redis, so a load balancer must not take the workers away."""
    environ = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}
    url = sqlite_app.config["CONFAB"].database_url
    response = Client(make_app(environ | {"DATABASE_URL": url})).get(READY)
    assert (response.status_code, response.json["status"], response.json["degraded"]) == (200, "ready", ["bus"])


def test_ready_with_the_bus(make_app: Callable[..., Flask], sqlite_app: Flask, redis_url: str) -> None:
    environ = {"REDIS_URL": redis_url, "DATABASE_URL": sqlite_app.config["CONFAB"].database_url}
    assert Client(make_app(environ)).get(READY).status_code == 200


def test_detailed_in_health(make: Factory) -> None:
    response = make.client(make.user(is_superuser=True)).get(DETAILED)
    assert response.status_code == 200
    answer = response.json
    assert answer["status"] == "healthy"
    assert answer["version"] == VERSION
    assert answer["uptime"] > 0
    assert answer["schema"] == {"current": head_revision(), "head": head_revision(), "drift": []}
    assert {name: part["status"] for name, part in answer["parts"].items()} == {"database": "healthy", "bus": "healthy"}
    assert all(part["latency_ms"] >= 0 for part in answer["parts"].values())


def test_detailed_reports_drift(app: Flask, make: Factory) -> None:
    with app.app_context():
        db.session.execute(text("ALTER TABLE chat_rooms ADD COLUMN surplus INTEGER"))
        db.session.commit()
    try:
        answer = make.client(make.user(is_superuser=True)).get(DETAILED).json
    finally:
        with app.app_context():
            db.engine.dispose()  # SQLite checks ALTER TABLE against an old connection's cached schema
            db.session.execute(text("ALTER TABLE chat_rooms DROP COLUMN surplus"))
            db.session.commit()
    assert answer["status"] == "degraded"
    assert answer["schema"]["drift"] == ["column chat_rooms.surplus is unknown"]


def test_a_failed_comparison_of_the_schema_is_no_failure_of_the_database(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> list[str]:
        raise OperationalError("SELECT", {}, Exception())

    monkeypatch.setattr(service, "find_drift", fail)
    answer = make.client(make.user(is_superuser=True)).get(DETAILED).json
    assert answer["parts"]["database"]["status"] == "healthy"
    assert answer["schema"] == {
        "current": head_revision(),
        "head": head_revision(),
        "drift": ["not compared: no answer (OperationalError)"],
    }
    assert answer["status"] == "degraded"


def test_detailed_on_another_revision(make: Factory, revision: Callable[[str | None], None]) -> None:
    client = make.client(make.user(is_superuser=True))
    revision("ffffffffffff")
    answer = client.get(DETAILED).json
    assert (answer["status"], answer["schema"]["current"]) == ("degraded", "ffffffffffff")


def test_detailed_is_for_superusers_and_tokens_with_the_scope(
    make: Factory, client: Client, api_token: Callable[..., Client]
) -> None:
    user, admin = make.user(), make.user(is_superuser=True)
    asked = {
        "nobody": client,
        "a user": make.client(user),
        "a user's token": api_token(user.id, "read", "write"),
        "a user's token with admin": api_token(user.id, "admin"),
        "an admin's token without a scope for it": api_token(admin.id, "read", "write"),
        "a user's token with health": api_token(user.id, "health"),
        "an admin's token with health": api_token(admin.id, "health"),
        "an admin's token with admin": api_token(admin.id, "admin"),
        "an admin": make.client(admin),
    }
    answers = {who: caller.get(DETAILED) for who, caller in asked.items()}
    assert {who: (a.status_code, a.json.get("code")) for who, a in answers.items()} == {
        "nobody": (401, "unauthorized"),
        "a user": (403, "forbidden"),
        "a user's token": (403, "insufficient_scope"),
        "a user's token with admin": (403, "insufficient_scope"),
        "an admin's token without a scope for it": (403, "insufficient_scope"),
        "a user's token with health": (200, None),
        "an admin's token with health": (200, None),
        "an admin's token with admin": (200, None),
        "an admin": (200, None),
    }
    assert answers["a user's token with health"].json.keys() == answers["an admin"].json.keys()


def test_health_is_never_rate_limited(make_app: Callable[..., Flask], sqlite_app: Flask) -> None:
    app = make_app({"DATABASE_URL": sqlite_app.config["CONFAB"].database_url}, rate_limits=True)
    assert {Client(app).get(ALIVE).status_code for _ in range(700)} == {200}
