"""Mail to addresses that may be a stranger's: how much is sent, and that no caller can choose its text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask

from backend.auth import mails
from backend.models import User
from backend.models.base import db, utcnow
from tests.auth.conftest import PASSWORD
from tests.auth.test_limits import assert_limited
from tests.client import Client
from tests.factories import Factory
from tests.outgoing import Outgoing

VICTIM = "victim@example.com"
BAIT = "www.evil.example"
ME = "/api/users/me"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def limited(limited_app: Flask) -> Iterator[Outgoing]:
    """The outbox of the application with limits."""
    caught = Outgoing(limited_app)
    yield caught
    caught.restore()


def to(outgoing: Outgoing, address: str) -> list[str]:
    outgoing.outbox.drain()
    return [mail.subject for mail in outgoing.mails if mail.to.casefold() == address]


def test_an_account_changes_its_email_5_times_an_hour(limited_app: Flask, make: Factory, clock: Any) -> None:
    ann = Client(limited_app, make.token(make.user()))
    assert [ann.patch(ME, {"email": f"{n}@example.com"}).status_code for n in range(5)] == [200] * 5
    assert ann.patch(ME, {"email": "4@example.com"}).status_code == 200, "the email stays the same"
    assert_limited(ann.patch(ME, {"email": "5@example.com"}), 3600, 5)


def test_an_address_gets_6_verifications_an_hour_over_all_accounts(
    limited_app: Flask, limited: Outgoing, make: Factory, clock: Any
) -> None:
    for n in range(10):
        account = Client(limited_app, make.token(make.user(email=f"owner{n}@example.com")))
        assert account.patch(ME, {"email": VICTIM if n % 2 else VICTIM.upper()}).status_code == 200
        assert account.patch(ME, {"email": f"owner{n}@example.com"}).status_code == 200
        limited.outbox.drain()
    asked = [subject for subject in to(limited, VICTIM) if subject == "Confirm your email address"]
    assert len(asked) <= 6
    told = [subject for subject in to(limited, VICTIM) if subject == "Your email was changed"]
    assert len(told) == 5
    assert len(to(limited, "owner9@example.com")) > 0, "other addresses have limits of their own"


def test_an_address_gets_12_verifications_a_day(
    limited_app: Flask, limited: Outgoing, make: Factory, clock: Any
) -> None:
    for hour in range(4):
        client = Client(limited_app)
        token = make.token(make.user(email=f"hour{hour}@example.com"))
        client.token = token
        for _ in range(5):
            client.patch(ME, {"email": VICTIM})
            limited.outbox.drain()
            assert client.post("/api/auth/resend-verification").status_code in (202, 429)
            limited.outbox.drain()
        client.patch(ME, {"email": f"hour{hour}@example.com"})
        clock.shift(3600)
        with limited_app.app_context():
            db.session.execute(db.update(User).values(email_verified_at=None))
            db.session.commit()
    assert to(limited, VICTIM).count("Confirm your email address") == 12


def test_a_taken_address_does_not_count_as_mailed(
    limited_app: Flask, limited: Outgoing, make: Factory, clock: Any
) -> None:
    owner = Client(limited_app, make.token(make.user(email=VICTIM)))
    for n in range(4):
        stranger = Client(limited_app, make.token(make.user()))
        assert [stranger.patch(ME, {"email": VICTIM}).status_code for _ in range(2)] == [409, 409], n
    assert owner.post("/api/auth/resend-verification").status_code == 202
    assert to(limited, VICTIM) == ["Confirm your email address"]


def test_an_address_gets_20_resets_a_day(limited_app: Flask, limited: Outgoing, make: Factory, clock: Any) -> None:
    make.user(email=VICTIM)
    for _ in range(6):
        for n in range(6):
            answer = Client(limited_app).post("/api/auth/forgot-password", {"email": VICTIM})
            assert answer.status_code == (202 if n < 5 else 429)
        limited.outbox.drain()
        clock.shift(3600)
    assert to(limited, VICTIM).count("Set a new password") == 20


def test_a_verification_goes_to_the_address_at_the_time_of_sending(
    app: Flask, make: Factory, outgoing: Outgoing
) -> None:
    """Two changes before the outbox is sent: one verification is sent, to the present address."""
    ann = Client(app, make.token(make.user()))
    assert ann.patch(ME, {"email": "first@example.com"}).status_code == 200
    assert ann.patch(ME, {"email": VICTIM}).status_code == 200
    assert to(outgoing, VICTIM) == ["Confirm your email address"]
    assert to(outgoing, "first@example.com") == ["Your email was changed"]


def bait(client: Client, outgoing: Outgoing) -> str:
    """Every mail to the owner of an account, with forged text wherever the caller can put some."""
    body = {"email": VICTIM, "password": PASSWORD, "username": BAIT, "first_name": BAIT, "last_name": BAIT}
    registered = client.post("/api/auth/register", body, headers={"User-Agent": BAIT})
    assert registered.status_code == 201
    client.token = registered.get_json()["access_token"]
    login = {"email": VICTIM, "password": PASSWORD, "device_info": f"tablet {BAIT}"}
    assert Client(client.app).post("/api/auth/login", login).status_code == 200
    assert Client(client.app).post("/api/auth/forgot-password", {"email": VICTIM}).status_code == 202
    changed = {"current_password": PASSWORD, "new_password": "another password"}
    assert client.post("/api/auth/change-password", changed).status_code == 204
    outgoing.outbox.drain()
    assert client.patch(ME, {"email": "other@example.com"}).status_code == 200
    outgoing.outbox.drain()
    return "\n".join(mail.subject + mail.text for mail in outgoing.mails if mail.to == VICTIM)


def test_callers_cannot_send_text_to_strangers(client: Client, outgoing: Outgoing) -> None:
    sent = bait(client, outgoing)
    for subject in ("Confirm your", "A sign-in from", "Set a new", "Your password was", "Your email was"):
        assert subject in sent
    assert BAIT not in sent
    assert "Address: 127.0.0.1" in sent


def test_a_verified_address_gets_names(
    app: Flask, client: Client, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue_verification = mails.enqueue_verification

    def prove(user: User) -> None:
        enqueue_verification(user)
        user.email_verified_at = utcnow()

    monkeypatch.setattr(mails, "enqueue_verification", prove)
    sent = bait(client, outgoing)
    assert f"Hello {BAIT},\n" in sent
    assert f"Device: tablet {BAIT}\n" in sent


def test_limits_do_not_reveal_accounts(make_limited: Callable[..., Flask], make: Factory, clock: Any) -> None:
    make.user(email=VICTIM)
    answers = []
    for email in (VICTIM, "nobody@example.com"):
        client = Client(make_limited())
        got = [client.post("/api/auth/forgot-password", {"email": email}) for _ in range(7)]
        answers.append([(a.status_code, a.headers["X-RateLimit-Remaining"], a.headers.get("Retry-After")) for a in got])
    assert answers[0] == answers[1]
