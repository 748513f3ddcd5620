"""Codes of numbers that are redeemed while an account changes, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from backend.auth.otp import store_code
from backend.models import User, UserSession
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.races import hold_row

MOBILE, OTHER_MOBILE = "+46701740605", "+46701740606"
CODE = "123456"


def store_codes(app: Flask, *mobiles: str) -> None:
    """Make CODE the valid code of each number."""
    with app.app_context():
        for mobile in mobiles:
            store_code(mobile, CODE)
        db.session.commit()


@pytest.mark.parametrize(
    ("change", "status"),
    [({"is_active": False}, 401), ({"mobile": None, "mobile_verified_at": None}, 200)],
    ids=["deactivated", "number-removed"],
)
def test_a_code_opens_its_account_as_it_is_after_a_concurrent_change(
    app: Flask, make: Factory, change: dict[str, Any], status: int
) -> None:
    """The sign-in waits for the change. It starts no session of an account that may not sign in, or lost the number."""
    user = make.user(mobile=MOBILE, mobile_verified_at=utcnow())
    store_codes(app, MOBILE)
    body = {"mobile": MOBILE, "code": CODE}
    with hold_row(app, User, id=user.id) as changing:
        answer = changing.start(lambda: Client(app).post("/api/auth/verify-otp", body))
        changing.wait_until_blocked()
        changing.execute(update(User).where(User.id == user.id).values(change))
    assert answer.result().status_code == status, answer.result().get_json()
    with app.app_context():
        of_user = select(UserSession.id).where(UserSession.user_id == user.id)
        assert db.session.scalars(of_user).all() == []


def test_a_number_that_its_holder_verifies_at_the_same_moment_stays_theirs(app: Flask, make: Factory) -> None:
    holder, client = make.user(mobile=MOBILE), make.client()
    store_codes(app, MOBILE)
    with hold_row(app, User, id=holder.id) as verifying:
        body = {"mobile": MOBILE, "code": CODE}
        answer = verifying.start(lambda: client.post("/api/auth/verify-otp", body))
        verifying.wait_until_blocked()
        verifying.execute(update(User).where(User.id == holder.id).values(mobile_verified_at=utcnow()))
    assert (answer.result().status_code, answer.result().get_json()["code"]) == (409, "mobile_taken")
    with app.app_context():
        assert db.session.get_one(User, holder.id).mobile == MOBILE


def test_users_who_verify_the_numbers_of_each_other_at_the_same_moment_wait_and_succeed(
    postgresql_app: Flask, wiped: None
) -> None:
    """Each verification writes to both accounts. If they locked these in different orders, they would deadlock."""
    make = Factory(postgresql_app)
    first, second = make.user(mobile=MOBILE), make.user(mobile=OTHER_MOBILE)
    clients = make.client(first), make.client(second)
    store_codes(postgresql_app, MOBILE, OTHER_MOBILE)

    def verify(client: Client, mobile: str) -> int:
        return client.post("/api/auth/verify-otp", {"mobile": mobile, "code": CODE}).status_code

    with hold_row(postgresql_app, User, id=first.id) as held:
        answers = [held.start(lambda: verify(clients[1], MOBILE))]
        held.wait_until_blocked()
        answers.append(held.start(lambda: verify(clients[0], OTHER_MOBILE)))
        held.wait_until_blocked(2)
    assert [answer.result() for answer in answers] == [200, 200]
    with postgresql_app.app_context():
        assert [db.session.get_one(User, user.id).mobile for user in (first, second)] == [OTHER_MOBILE, MOBILE]
