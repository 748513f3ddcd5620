"""What ends or changes the credentials of one account leaves every other account as it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import or_, select

from backend.auth.otp import store_code
from backend.models import AccountToken, User
from backend.models.base import Base, db, utcnow
from backend.security.hashing import hash_password, hash_secret
from tests.auth.conftest import PASSWORD
from tests.client import Client
from tests.factories import Factory

TOTP = "/api/auth/totp"
NEW = "another password"
RESET_TOKEN = "a mailed token"


class Account:
    """A user with all kinds of credentials. Each access token is of a session of its own."""

    def __init__(self, app: Flask, make: Factory, number: int, **fields: Any):
        self.app = app
        self.mobile = f"+4670174060{number}"
        self.user = make.user(
            mobile=self.mobile, mobile_verified_at=utcnow(), hashed_password=hash_password(PASSWORD), **fields
        )
        self.client, self.other = make.client(self.user), make.client(self.user)
        self.reset_token = f"{RESET_TOKEN} of {self.user.id}"
        factor = pyotp.TOTP(self.client.post(TOTP, {}).get_json()["secret"])
        assert self.client.post(f"{TOTP}/confirm", {"totp_code": factor.at(time.time())}).status_code == 200
        self.other = make.client(self.user)
        scopes = ["read", "admin"] if self.user.is_superuser else ["read"]
        self.api_token_id = self.client.post("/api/auth/tokens", {"name": "script", "scopes": scopes}).get_json()["id"]
        assert self.client.post("/api/auth/ws-ticket").status_code == 201
        with app.app_context():
            store_code(self.mobile, "123456")
            row = AccountToken(
                user_id=self.user.id,
                purpose="reset_password",
                token=hash_secret(self.reset_token),
                email=self.user.email,
                expires_at=utcnow() + timedelta(hours=1),
            )
            db.session.add(row)
            db.session.commit()

    def rows(self) -> list[tuple[Any, ...]]:
        """The user, and every row that belongs to them or to their number."""
        found: list[tuple[Any, ...]] = []
        with self.app.app_context():
            for table in Base.metadata.sorted_tables:
                own = [table.c.user_id == self.user.id] if "user_id" in table.c else []
                own += [table.c.mobile == self.mobile] if "mobile" in table.c else []
                if own:
                    rows = db.session.execute(select(table).where(or_(*own)).order_by(*table.primary_key)).all()
                    found += [(table.name, *row) for row in rows]
        return found


def change_password(account: Account, _root: Client) -> int:
    body = {"current_password": PASSWORD, "new_password": NEW, "revoke": True}
    return account.client.post("/api/auth/change-password", body).status_code


def reset_password(account: Account, _root: Client) -> int:
    body = {"token": account.reset_token, "password": NEW}
    return Client(account.app).post("/api/auth/reset-password", body).status_code


def set_password_by_command(account: Account, _root: Client) -> int:
    command = ["users", "set-password", "--id", str(account.user.id), "--password-stdin"]
    return account.app.test_cli_runner().invoke(args=command, input=NEW).exit_code


def renew_recovery_codes(account: Account, _root: Client) -> int:
    return account.client.post(f"{TOTP}/recovery-codes", {"password": PASSWORD}).status_code


def switch_the_factor_off_and_on(account: Account, _root: Client) -> int:
    assert account.client.delete(TOTP, {"password": PASSWORD}).status_code == 204
    factor = pyotp.TOTP(account.client.post(TOTP, {}).get_json()["secret"])
    return account.client.post(f"{TOTP}/confirm", {"totp_code": factor.at(time.time())}).status_code


def end_the_other_sessions(account: Account, _root: Client) -> int:
    return account.client.delete("/api/auth/sessions").status_code


def log_out(account: Account, _root: Client) -> int:
    return account.client.post("/api/auth/logout").status_code


def delete_the_api_token(account: Account, _root: Client) -> int:
    return account.client.delete(f"/api/auth/tokens/{account.api_token_id}").status_code


def deactivate(account: Account, root: Client) -> int:
    return root.patch(f"/api/users/{account.user.id}", {"is_active": False}).status_code


def demote(account: Account, root: Client) -> int:
    return root.patch(f"/api/users/{account.user.id}", {"is_superuser": False}).status_code


def erase(account: Account, _root: Client) -> int:
    return account.client.delete("/api/users/me", {"password": PASSWORD}).status_code


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (change_password, 204),
        (reset_password, 204),
        (set_password_by_command, 0),
        (renew_recovery_codes, 200),
        (switch_the_factor_off_and_on, 200),
        (end_the_other_sessions, 204),
        (log_out, 204),
        (delete_the_api_token, 204),
        (deactivate, 200),
        (demote, 200),
        (erase, 204),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_nothing_of_another_account_changes(
    app: Flask, make: Factory, act: Callable[[Account, Client], int], status: int
) -> None:
    root = make.client(make.user(is_superuser=True))
    actor = Account(app, make, 5, is_superuser=act is demote)
    bystander = Account(app, make, 6, is_superuser=True)
    before, own_before = bystander.rows(), actor.rows()
    assert act(actor, root) == status
    assert bystander.rows() == before
    assert actor.rows() != own_before
    with app.app_context():
        assert db.session.get_one(User, bystander.user.id).is_active
