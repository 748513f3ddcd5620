"""A password that changes closes the sockets of the sessions that end by it, on every worker, and no others."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta

import pytest

from backend.auth import secrets as hashing
from backend.auth.mails import RESET
from backend.auth.passwords import set_password
from backend.auth.secrets import hash_password, hash_secret
from backend.models import AccountToken, User
from backend.models.base import db, utcnow
from tests.realtime.client import Api, LiveClient
from tests.realtime.conftest import House

OLD, NEW = "an old password", "a new password"


class Account:
    """An account with a password, and sockets on every worker: of two sessions, of an API token, and of a ticket."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(hashing, "BCRYPT_ROUNDS", 4)
        self.house = house
        self.api = house.user(hashed_password=hash_password(OLD))
        token = self.api("POST", "/api/auth/tokens", {"name": "script"}, status=201)["token"]
        ticket = self.api("POST", "/api/auth/ws-ticket", status=201)["ticket"]
        self.own = [*house.on_each_worker(self.api), LiveClient(house.url, ticket)]
        self.others = house.on_each_worker(house.again(self.api))
        self.of_token = house.on_each_worker(Api(house.url, token, self.api.id))
        self.bystander = house.user().live()

    def mail(self) -> str:
        """The secret of a reset link, as it was mailed."""
        secret = secrets.token_urlsafe(32)
        with self.house.app.app_context():
            email = db.session.get(User, self.api.id).email
            expires_at = utcnow() + timedelta(hours=1)
            row = AccountToken(
                user_id=self.api.id, purpose=RESET, token=hash_secret(secret), email=email, expires_at=expires_at
            )
            db.session.add(row)
            db.session.commit()
        return secret

    def reset(self) -> None:
        """Set a new password by a mailed link."""
        body = {"token": self.mail(), "password": NEW}
        Api(self.house.url, "", 0)("POST", "/api/auth/reset-password", body, status=204)


@pytest.fixture
def account(house: House, monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(house, monkeypatch)


def close_in_time(clients: list[LiveClient]) -> None:
    deadline = time.monotonic() + 1
    assert [client.closed(deadline - time.monotonic()) for client in clients] == [4401] * len(clients)


def stay(clients: list[LiveClient]) -> None:
    """All are open still when the clock has looked at every right once more."""
    clients[0].drain(0.6)
    assert all(client.call("ping")["type"] == "pong" for client in clients)


def test_a_change_closes_those_of_the_other_sessions(account: Account) -> None:
    body = {"current_password": OLD, "new_password": NEW}
    account.api("POST", "/api/auth/change-password", body, status=204)
    close_in_time(account.others)
    stay([*account.own, *account.of_token, account.bystander])


def test_a_reset_closes_those_of_every_session(account: Account) -> None:
    with account.house.app.app_context():
        db.session.get(User, account.api.id).email_verified_at = utcnow()
        db.session.commit()
    account.reset()
    close_in_time([*account.own, *account.others])
    stay([*account.of_token, account.bystander])


def test_a_reset_that_proves_the_address_closes_those_of_api_tokens_too(account: Account) -> None:
    account.reset()
    close_in_time([*account.own, *account.others, *account.of_token])
    stay([account.bystander])


def test_a_password_set_on_the_command_line_closes_those_of_every_session(account: Account) -> None:
    with account.house.app.app_context():
        set_password(account.api.id, NEW)
    close_in_time([*account.own, *account.others])
    stay([*account.of_token, account.bystander])
