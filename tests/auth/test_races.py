"""Many simultaneous requests: real threads, real commits, both databases."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pyotp
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from backend.auth.passwords import set_password
from backend.auth.totp import check_second_factor
from backend.errors import NotFound, Unauthorized
from backend.identity.authenticate import identify
from backend.identity.errors import InvalidTotp
from backend.identity.tickets import create_ticket, identify_socket
from backend.models import (
    ApiToken,
    AuditEvent,
    ConversationEntry,
    RecoveryCode,
    RefreshToken,
    TotpFactor,
    User,
    UserSession,
    WsTicket,
)
from backend.models.base import db, utcnow
from backend.security.hashing import hash_secret
from tests.auth.conftest import EMAIL, PASSWORD
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.races import at_once, hold_row, paused_before_commit

Register = Callable[..., dict[str, Any]]
MANY = 50
ATTEMPTS = 20


def together(app: Flask, call: Callable[[Client, int], TestResponse], many: int = MANY) -> list[TestResponse]:
    """The answers to *many* simultaneous requests, each of its own client.

    A client repeats a request that waited too long for the others (503), which happens if the machine is busy.
    """

    def insist(client: Client, n: int) -> TestResponse:
        for _ in range(ATTEMPTS):
            response = call(client, n)
            if response.status_code != 503:
                break
        return response

    return at_once([partial(insist, Client(app), n) for n in range(many)])


def statuses(responses: list[TestResponse]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def count(app: Flask, model: Any) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_of_many_registrations_with_an_email_one_succeeds(app: Flask) -> None:
    def register(client: Client, n: int) -> TestResponse:
        email = EMAIL.upper() if n % 2 else EMAIL
        return client.post("/api/auth/register", {"email": email, "password": PASSWORD})

    responses = together(app, register)
    assert statuses(responses) == {201: 1, 409: MANY - 1}
    assert {r.get_json()["code"] for r in responses if r.status_code == 409} == {"email_taken"}
    assert (count(app, User), count(app, UserSession), count(app, ConversationEntry)) == (1, 1, 1)


def test_of_many_registrations_with_a_username_one_succeeds(app: Flask) -> None:
    responses = together(
        app,
        lambda client, n: client.post(
            "/api/auth/register", {"email": f"u{n}@example.com", "password": PASSWORD, "username": "ada"}
        ),
    )
    assert statuses(responses) == {201: 1, 409: MANY - 1}
    assert {r.get_json()["code"] for r in responses if r.status_code == 409} == {"username_taken"}


def test_many_registrations_with_equal_derived_usernames_all_succeed(app: Flask) -> None:
    responses = together(
        app,
        lambda client, n: client.post("/api/auth/register", {"email": f"ada@{n}.example.com", "password": PASSWORD}),
    )
    assert statuses(responses) == {201: MANY}
    assert len({response.get_json()["user"]["username"] for response in responses}) == MANY


def test_one_refresh_token_used_by_many(app: Flask, register: Register) -> None:
    first = register()["refresh_token"]
    with time_machine.travel(utcnow(), tick=False):  # all of them within 10 s, however long they take
        responses = together(app, lambda client, _: client.post("/api/auth/refresh", {"refresh_token": first}))
    assert statuses(responses) == {200: MANY}
    tokens = {response.get_json()["refresh_token"] for response in responses}
    assert len(tokens) == MANY
    with app.app_context():
        rows = {row.token: row for row in db.session.scalars(select(RefreshToken))}
        used = [row for row in rows.values() if row.is_used]
        assert [row.token for row in used] == [hash_secret(first)]
        assert used[0].successor in {hash_secret(token) for token in tokens}
        assert {row.session_id for row in rows.values()} == {db.session.scalar(select(UserSession.id))}
    assert len(rows) == MANY + 1
    following = together(
        app, lambda client, n: client.post("/api/auth/refresh", {"refresh_token": sorted(tokens)[n]}), many=10
    )
    assert statuses(following) == {200: 10}


def test_many_logins_to_one_account(app: Flask, register: Register) -> None:
    register()
    responses = together(app, lambda client, _: client.post("/api/auth/login", {"email": EMAIL, "password": PASSWORD}))
    assert statuses(responses) == {200: MANY}
    assert count(app, UserSession) == MANY + 1


@pytest.mark.parametrize("call", ["/api/auth/logout", "/api/auth/sessions"])
def test_sessions_end_while_they_are_refreshed(app: Flask, register: Register, call: str) -> None:
    """In either order nothing fails, and an ended session stays ended."""
    keeper = register()
    login = {"email": EMAIL, "password": PASSWORD}
    answers = [Client(app).post("/api/auth/login", login).get_json() for _ in range(10)]

    def act(client: Client, n: int) -> TestResponse:
        if n >= 10:
            return client.post("/api/auth/refresh", {"refresh_token": answers[n - 10]["refresh_token"]})
        client.token = answers[n]["access_token"] if call.endswith("logout") else keeper["access_token"]
        return client.request("POST" if call.endswith("logout") else "DELETE", call)

    responses = together(app, act, many=20)
    assert statuses(responses[:10]) == {204: 10}
    assert statuses(responses[10:]).keys() <= {200, 401}
    for each in [*answers, *(r.get_json() for r in responses[10:] if r.status_code == 200)]:
        refused = Client(app).post("/api/auth/refresh", {"refresh_token": each["refresh_token"]})
        assert (refused.status_code, refused.get_json()["code"]) == (401, "token_revoked")


def test_a_refresh_waits_for_the_end_of_its_session(app: Flask) -> None:
    """The refresh reads its session after it waited for the lock, and not before."""
    token = Client(app).post("/api/auth/register", {"email": EMAIL, "password": PASSWORD}).get_json()["refresh_token"]
    with hold_row(app, UserSession) as ending:
        answer = ending.start(lambda: Client(app).post("/api/auth/refresh", {"refresh_token": token}))
        ending.wait_until_blocked()
        ending.execute(update(UserSession).values(is_active=False))
    assert answer.result().get_json()["code"] == "token_revoked"


@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_of_two_sign_ins_with_one_second_factor_one_succeeds(app: Flask, make: Factory, kind: str) -> None:
    """Both reach the code before either has redeemed it."""
    client = make.client()
    totp = pyotp.TOTP(client.post("/api/auth/totp", {}).get_json()["secret"])
    now = time.time()
    codes = client.post("/api/auth/totp/confirm", {"totp_code": totp.at(now)}).get_json()["recovery_codes"]
    user_id = client.user.id  # type: ignore[attr-defined]
    with app.app_context():
        first_code = db.session.scalar(select(func.min(RecoveryCode.id)))
    used = codes[0] if kind == "recovery" else totp.at(now + 30)
    held = hold_row(app, RecoveryCode, id=first_code) if kind == "recovery" else hold_row(app, TotpFactor)

    def redeem() -> bool:
        with app.app_context():
            try:
                check_second_factor(user_id, used)
            except InvalidTotp:
                return False
            db.session.commit()
            return True

    with held as holder:
        answers = [holder.start(redeem) for _ in range(2)]
        holder.wait_until_blocked(2)
    assert sorted(answer.result() for answer in answers) == [False, True]


def test_the_right_to_grant_a_scope_is_read_under_the_lock(app: Flask, make: Factory) -> None:
    """A superuser who is demoted at the same moment makes no token with the scope `admin`."""
    root = make.client(make.user(is_superuser=True))
    of_root = {"id": root.user.id}  # type: ignore[attr-defined]
    with hold_row(app, User, **of_root) as demoting:
        answer = demoting.start(lambda: root.post("/api/auth/tokens", {"name": "x", "scopes": ["admin"]}))
        demoting.wait_until_blocked()
        demoting.execute(update(User).filter_by(**of_root).values(is_superuser=False))
    assert (answer.result().status_code, answer.result().get_json()["code"]) == (403, "forbidden")
    assert count(app, ApiToken) == 0


def test_of_two_sockets_with_one_ticket_one_opens(app: Flask, make: Factory) -> None:
    """Both reach the ticket before either has redeemed it."""
    token = make.token(make.user())
    with app.app_context():
        ticket = create_ticket(identify(token))["ticket"]

    def opens() -> bool:
        with app.app_context():
            try:
                identify_socket(ticket)
            except Unauthorized:
                return False
            return True

    with hold_row(app, WsTicket) as held:
        answers = [held.start(opens) for _ in range(2)]
        held.wait_until_blocked(2)
    assert sorted(answer.result() for answer in answers) == [False, True]


@pytest.mark.parametrize("change", [{"email": "other@example.com"}, {"is_active": False}], ids=["email", "deactivated"])
@pytest.mark.parametrize("purpose", ["reset", "verify"])
def test_a_link_is_refused_if_its_account_changes_at_the_same_moment(
    app: Flask, register: Register, outgoing: Outgoing, purpose: str, change: dict[str, Any]
) -> None:
    """The account is read again under its lock: the link was mailed to an address that may no longer be the account's."""
    register()
    if purpose == "reset":
        assert Client(app).post("/api/auth/forgot-password", {"email": EMAIL}).status_code == 202
        path, body = "/api/auth/reset-password", {"password": "a new password"}
    else:
        path, body = "/api/auth/verify-email", {"password": PASSWORD}
    body["token"] = outgoing.token(purpose, EMAIL)
    with hold_row(app, User) as changing:
        answer = changing.start(lambda: Client(app).post(path, body))
        changing.wait_until_blocked()
        changing.execute(update(User).values(change))
    assert (answer.result().status_code, answer.result().get_json()["code"]) == (400, "invalid_token")
    with app.app_context():
        assert db.session.scalars(select(User.email_verified_at)).one() is None


def test_a_session_that_ends_at_the_same_moment_is_not_confirmed(app: Flask, register: Register) -> None:
    client = Client(app, register()["access_token"])
    with hold_row(app, UserSession) as ending:
        answer = ending.start(lambda: client.post("/api/auth/confirm", {"password": PASSWORD}))
        ending.wait_until_blocked()
        ending.execute(update(UserSession).values(is_active=False))
    assert answer.result().get_json()["code"] == "token_revoked"


def test_a_session_that_ends_at_the_same_moment_is_not_ended_again(app: Flask, make: Factory) -> None:
    laptop = make.client()
    phone = make.client(laptop.user)  # type: ignore[attr-defined]
    session_id = next(s["id"] for s in phone.get("/api/auth/sessions").get_json() if s["is_current"])
    assert laptop.get("/api/auth/sessions").status_code == 200
    with hold_row(app, UserSession, id=session_id) as ending:
        answer = ending.start(lambda: laptop.delete(f"/api/auth/sessions/{session_id}"))
        ending.wait_until_blocked()
        ending.execute(update(UserSession).where(UserSession.id == session_id).values(is_active=False))
    assert (answer.result().status_code, answer.result().get_json()["code"]) == (404, "not_found")
    assert count(app, AuditEvent) == 0


def test_two_sessions_of_a_user_are_refreshed_without_waiting_for_each_other(
    postgresql_app: Flask, wiped: None
) -> None:
    client = Client(postgresql_app)
    credentials = {"email": EMAIL, "password": PASSWORD}
    tokens = [
        client.post(f"/api/auth/{call}", credentials).get_json()["refresh_token"] for call in ("register", "login")
    ]

    def refresh(n: int) -> int:
        return Client(postgresql_app).post("/api/auth/refresh", {"refresh_token": tokens[n]}).status_code

    with paused_before_commit(postgresql_app, writes=RefreshToken) as refreshing:
        first = refreshing.start(lambda: refresh(0))
        refreshing.wait_until_reached()
        assert refresh(1) == 200
        refreshing.release()
    assert first.result() == 200


def test_a_command_sets_no_password_of_an_account_that_is_erased_at_the_same_moment(app: Flask, make: Factory) -> None:
    user = make.user()

    def set_it() -> bool:
        with app.app_context():
            try:
                set_password(user, "a new password")
            except NotFound:
                return False
            return True

    with hold_row(app, User, id=user.id) as erasing:
        answer = erasing.start(set_it)
        erasing.wait_until_blocked()
        erasing.execute(update(User).where(User.id == user.id).values(deleted_at=utcnow()))
    assert answer.result() is False
    with app.app_context():
        assert db.session.get_one(User, user.id).hashed_password is None
