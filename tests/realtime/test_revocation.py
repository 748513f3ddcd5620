"""Revoked credentials: the sockets that they opened are closed within a second and on every worker, and no others."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from backend.auth.mails import RESET
from backend.auth.passwords import set_password
from backend.auth.sessions import REUSE_GRACE
from backend.auth.sweeping import sweep
from backend.models import AccountToken, RefreshToken, User, UserSession, WsTicket
from backend.models.base import db, utcnow
from backend.security import hashing
from backend.security.hashing import hash_password, hash_secret
from tests.realtime.client import Api, LiveClient
from tests.realtime.conftest import Deployment

OLD, NEW = "an old password", "a new password"


class Account:
    """An account with a password, and sockets on every worker: of two sessions, of an API token, and of a ticket."""

    def __init__(self, deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(hashing, "BCRYPT_ROUNDS", 4)
        self.deployment = deployment
        self.api = deployment.user(hashed_password=hash_password(OLD))
        token = self.api("POST", "/api/auth/tokens", {"name": "script"}, status=201)["token"]
        ticket = self.api("POST", "/api/auth/ws-ticket", status=201)["ticket"]
        self.own = [*deployment.on_each_worker(self.api), LiveClient(deployment.url, ticket)]
        self.others = self.sockets_of_new_session()
        self.of_token = deployment.on_each_worker(Api(deployment.url, token, self.api.id))
        self.unrelated = deployment.user().live()

    def sockets_of_new_session(self) -> list[LiveClient]:
        """Open sockets of another session of the account on every worker."""
        return self.deployment.on_each_worker(self.deployment.new_session(self.api))

    def set_verified_at(self, verified_at: datetime | None) -> None:
        """Set when the address of the account was verified."""
        with self.deployment.app.app_context():
            db.session.get(User, self.api.id).email_verified_at = verified_at
            db.session.commit()

    def create_reset_token(self) -> str:
        """Create the token of a reset link, and return its secret."""
        secret = secrets.token_urlsafe(32)
        with self.deployment.app.app_context():
            email = db.session.get(User, self.api.id).email
            expires_at = utcnow() + timedelta(hours=1)
            row = AccountToken(
                user_id=self.api.id, purpose=RESET, token=hash_secret(secret), email=email, expires_at=expires_at
            )
            db.session.add(row)
            db.session.commit()
        return secret

    def reset(self) -> None:
        """Set a new password with a reset link."""
        body = {"token": self.create_reset_token(), "password": NEW}
        Api(self.deployment.url, "", 0)("POST", "/api/auth/reset-password", body, status=204)


@pytest.fixture
def account(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(deployment, monkeypatch)


def assert_open(account: Account, clients: list[LiveClient]) -> None:
    """All are open after every worker has checked all credentials once more, and found others that ended.

    `test_what_ends_single_credentials_closes_their_sockets_alone` asserts how soon such a check comes; here it is awaited.
    """
    stranger = account.deployment.user()
    closed = account.deployment.on_each_worker(stranger)
    with account.deployment.app.app_context():
        db.session.execute(update(UserSession).where(UserSession.user_id == stranger.id).values(is_active=False))
        db.session.commit()
    assert [client.close_code(15) for client in closed] == [4401] * len(closed)
    assert all(client.call("ping")["type"] == "pong" for client in clients)


def test_what_ends_single_credentials_closes_their_sockets_alone(account: Account) -> None:
    expiring = expiring_token(account)
    expired = expire_session(account)
    account.deployment.assert_ended(expired)
    stolen = reuse_refresh_token(account)
    account.deployment.assert_ended(stolen)
    assert [client.close_code(15) for client in expiring] == [4401] * len(expiring)
    assert_open(account, [*account.own, *account.others, *account.of_token, account.unrelated])


def expiring_token(account: Account) -> list[LiveClient]:
    """Sockets of an API token that expires in five seconds. A busy machine may need some of them to open the sockets."""
    soon = (utcnow() + timedelta(seconds=5)).isoformat()
    token = account.api("POST", "/api/auth/tokens", {"name": "brief", "expires_at": soon}, status=201)["token"]
    return account.deployment.on_each_worker(Api(account.deployment.url, token, account.api.id))


def expire_session(account: Account) -> list[LiveClient]:
    """Let a new session of the account expire. Returns its sockets, of which one was opened with a ticket."""
    deployment = account.deployment
    api = deployment.new_session(account.api)
    sockets = [
        *deployment.on_each_worker(api),
        LiveClient(deployment.url, api("POST", "/api/auth/ws-ticket", status=201)["ticket"]),
    ]
    with deployment.app.app_context():
        newest = select(func.max(UserSession.id)).where(UserSession.user_id == api.id).scalar_subquery()
        begun = update(UserSession).where(UserSession.id == newest)
        db.session.execute(begun.values(created_at=utcnow() - timedelta(days=90)))
        db.session.commit()
        sweep()
    return sockets


def reuse_refresh_token(account: Account) -> list[LiveClient]:
    """Use a refresh token of a new session a second time. Returns the sockets of the session."""
    login = {"username": account.api("GET", "/api/users/me")["username"], "password": OLD}
    anonymous = Api(account.deployment.url, "", 0)
    answer = anonymous("POST", "/api/auth/login", login)
    old = {"refresh_token": answer["refresh_token"]}
    anonymous("POST", "/api/auth/refresh", old)
    with account.deployment.app.app_context():  # longer ago than the grace period
        used = update(RefreshToken).where(RefreshToken.token == hash_secret(answer["refresh_token"]))
        db.session.execute(used.values(used_at=utcnow() - 2 * REUSE_GRACE))
        db.session.commit()
    stolen = account.deployment.on_each_worker(Api(account.deployment.url, answer["access_token"], account.api.id))
    anonymous("POST", "/api/auth/refresh", old, status=401)
    return stolen


def test_ending_the_other_sessions_and_a_change_of_the_password_close_the_sockets_of_the_others(
    account: Account,
) -> None:
    account.api("DELETE", "/api/auth/sessions", status=204)
    account.deployment.assert_ended(account.others)
    others = account.sockets_of_new_session()
    body = {"current_password": OLD, "new_password": NEW}
    account.api("POST", "/api/auth/change-password", body, status=204)
    account.deployment.assert_ended(others)
    assert_open(account, [*account.own, *account.of_token, account.unrelated])


def test_a_password_that_is_set_without_the_old_one_closes_the_sockets_of_every_session(account: Account) -> None:
    """On the command line and with a reset link. API tokens end if the link verifies the address, too."""
    with account.deployment.app.app_context():
        owner = db.session.get(User, account.api.id)
        assert owner is not None
        set_password(owner, NEW)
    account.deployment.assert_ended([*account.own, *account.others])
    sockets = account.sockets_of_new_session()
    account.set_verified_at(utcnow() - timedelta(hours=1))  # before the API token was made
    account.reset()
    account.deployment.assert_ended(sockets)
    assert_open(account, [*account.of_token, account.unrelated])
    sockets = account.sockets_of_new_session()
    account.set_verified_at(None)
    account.reset()
    account.deployment.assert_ended([*sockets, *account.of_token])
    assert_open(account, [account.unrelated])


def test_the_deactivation_of_a_user_closes_all_sockets(account: Account) -> None:
    root = account.deployment.user(is_superuser=True)
    root("PATCH", f"/api/users/{account.api.id}", {"is_active": False})
    account.deployment.assert_ended([*account.own, *account.others, *account.of_token])
    assert_open(account, [account.unrelated])


def test_the_erasure_of_a_user_closes_all_sockets(account: Account) -> None:
    account.api("DELETE", "/api/users/me", {"password": OLD}, status=204)
    account.deployment.assert_ended([*account.own, *account.others, *account.of_token])
    assert_open(account, [account.unrelated])


def test_a_ticket_is_refused_after_it_expires_and_after_its_session_ends(deployment: Deployment) -> None:
    user = deployment.user()
    late, orphaned = (user("POST", "/api/auth/ws-ticket", status=201)["ticket"] for _ in range(2))
    with deployment.app.app_context():
        expired = update(WsTicket).where(WsTicket.ticket == hash_secret(late))
        db.session.execute(expired.values(expires_at=utcnow()))
        db.session.commit()
    user("POST", "/api/auth/logout", status=204)
    for ticket in (late, orphaned):
        with LiveClient(deployment.url, ticket, ready=False) as client:
            assert client.close_code() == 4401
