"""Fixtures of the tests of users."""

from __future__ import annotations

import pytest
from flask import Flask

from backend.auth.otp import send_code
from backend.models import User
from backend.models.base import db, utcnow
from backend.security.hashing import hash_password
from tests.client import Client
from tests.factories import Factory

PASSWORD = "password123"
MOBILE = "+46701740605"


@pytest.fixture
def zeph(app: Flask) -> Client:
    """A user with recognisable personal data in every field."""
    return sign_up(app)


def sign_up(app: Flask) -> Client:
    """Create the account of `zeph`."""
    user = Factory(app).user(
        "zephyrine",
        email="zq@example.com",
        first_name="Quillfeather",
        last_name="Ostrobogulous",
        bio="Ostrobogulous!",
        mobile=MOBILE,
        hashed_password=hash_password(PASSWORD),
    )
    with app.app_context():
        db.session.execute(db.update(User).where(User.id == user.id).values(mobile_verified_at=utcnow()))
        send_code(MOBILE)
        db.session.commit()
    login = {"email": "zq@example.com", "password": PASSWORD, "device_info": "Netscape-9"}
    answer = Client(app).post("/api/auth/login", login, environ_base={"REMOTE_ADDR": "203.0.113.77"}).json
    client = Client(app, answer["access_token"])
    client.user = user  # type: ignore[attr-defined]
    return client
