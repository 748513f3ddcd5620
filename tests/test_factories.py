"""The factories insert directly. Their rows have to be those of the services."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import inspect, select

from backend.models import ConversationEntry, User
from backend.models.base import db
from backend.users.creation import add_user
from tests.factories import Factory

FIELDS: dict[str, Any] = {
    "email": "Ann.B@Example.com",
    "first_name": "Ann",
    "last_name": "Li",
    "hashed_password": "x",
    "mobile": "+46701740605",
    "is_superuser": True,
}


def _rows_of(user_id: int) -> dict[str, Any]:
    """The fields of an account and of its inbox, except those that no two have in common."""
    rows = {}
    for model, own in ((User, User.id), (ConversationEntry, ConversationEntry.user_id)):
        row = db.session.execute(select(model.__table__).where(own == user_id)).one()._asdict()
        rows[model.__name__] = {k: v for k, v in row.items() if k not in ("id", "user_id", "created_at", "updated_at")}
    return rows


def test_an_account_of_the_factory_is_one_of_the_service(app: Flask, make: Factory) -> None:
    without_email: dict[str, Any] = {"email": None}
    for fields in (FIELDS, without_email):
        with app.app_context():
            registered = add_user(username="Ann", **fields)
            expected = _rows_of(registered.id)
            db.session.rollback()
        made = make.user("Ann", **fields)
        with app.app_context():
            assert _rows_of(made.id) == expected, fields
            db.session.delete(db.session.get_one(User, made.id))
            db.session.commit()


def test_a_user_of_the_factory_is_loaded_and_detached(app: Flask, make: Factory) -> None:
    made = make.user("ann", bio="I fish.", is_active=False)
    with app.app_context():
        loaded = db.session.get_one(User, made.id)
        names = [attribute.key for attribute in inspect(User).column_attrs]
        assert {name: getattr(made, name) for name in names} == {name: getattr(loaded, name) for name in names}
    assert inspect(made).detached
