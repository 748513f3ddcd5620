"""Permissions of views."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from backend.identity.guards import current_user, superuser
from backend.models import ApiToken
from backend.models.base import db
from backend.security.hashing import hash_secret
from tests.client import Client
from tests.factories import Factory


def test_only_superusers_may_call_a_view_for_superusers(
    app: Flask, make: Factory, make_limited: Callable[..., Flask]
) -> None:
    guarded = make_limited(is_new=True)
    guarded.add_url_rule("/api/guarded", "guarded", superuser(lambda: str(current_user.id)))
    root = make.user(is_superuser=True)
    with app.app_context():
        for name, scopes in (("confab_a", ["read", "admin"]), ("confab_b", ["read", "write"])):
            db.session.add(ApiToken(user_id=root.id, name=name, token=hash_secret(name), scopes=scopes))
        db.session.commit()

    def call(token: str) -> tuple[int, str]:
        response = Client(guarded, token).get("/api/guarded")
        return response.status_code, response.text if response.status_code == 200 else response.get_json()["code"]

    assert call(make.token(root)) == (200, str(root.id))
    assert call("confab_a") == (200, str(root.id))
    assert call("confab_b") == (403, "insufficient_scope")
    assert call(make.token(make.user())) == (403, "forbidden")
    assert call("") == (401, "unauthorized")
