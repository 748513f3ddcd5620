"""Codes by text with many strangers: their guesses do not invalidate a code, and a few addresses cannot block a range of
numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from backend.auth import otp
from backend.models import OtpCode
from backend.models.base import db
from backend.rate_limiting.limits import RateLimit
from backend.state import confab_state
from tests.auth.test_otp import MOBILE, SEND, VERIFY, ask, other_than
from tests.client import Client
from tests.outgoing import Outgoing
from tests.races import at_once


def verify_from(client: Client, address: str, code: str) -> int:
    body = {"mobile": MOBILE, "code": code}
    return client.post(VERIFY, body, environ_base={"REMOTE_ADDR": address}).status_code


def send_from(client: Client, address: str, mobile: str = MOBILE) -> int:
    return client.post(SEND, {"mobile": mobile}, environ_base={"REMOTE_ADDR": address}).status_code


def test_a_strangers_guesses_do_not_invalidate_a_code(client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    assert [verify_from(client, "203.0.113.1", other_than(code)) for _ in range(6)] == [401] * 6
    assert verify_from(client, "203.0.113.1", code) == 401, "a stranger has no sixth try, not even the right one"
    assert verify_from(client, "127.0.0.1", code) == 200


def test_many_strangers_do_not_invalidate_the_requesters_code(client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    for n in range(20):
        assert verify_from(client, f"203.0.113.{n}", other_than(code)) == 401
    assert verify_from(client, "127.0.0.1", code) == 200


@pytest.mark.parametrize(("strangers", "status"), [(14, 200), (15, 401)])
def test_all_strangers_together_have_15_tries(client: Client, outgoing: Outgoing, strangers: int, status: int) -> None:
    code = ask(client, outgoing)
    for n in range(strangers):
        verify_from(client, f"203.0.113.{n}", other_than(code))
    assert verify_from(client, "203.0.113.99", code) == status


def test_no_more_than_15_guesses_of_many_at_once_count(app: Flask, client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    wrong = other_than(code)
    at_once([lambda n=n: verify_from(Client(app), f"203.0.113.{n}", wrong) for n in range(20)])
    with app.app_context():
        row = db.session.scalars(select(OtpCode)).one()
        assert (row.tries, sum((row.guesses or {}).values())) == (15, 15)


def test_guessers_are_kept_as_keyed_hashes(app: Flask, client: Client, outgoing: Outgoing) -> None:
    code = ask(client, outgoing)
    verify_from(client, "203.0.113.1", other_than(code))
    with app.app_context():
        row = db.session.scalars(select(OtpCode)).one()
        assert row.asked_by is not None
        assert [len(who) for who in (row.asked_by, *(row.guesses or {}))] == [64, 64]
        assert row.asked_by not in (row.guesses or {})


def test_a_code_of_the_previous_release_is_accepted(app: Flask, client: Client, outgoing: Outgoing) -> None:
    """Its row names neither the requester nor the guessers."""
    code = ask(client, outgoing)
    with app.app_context():
        row = db.session.scalars(select(OtpCode)).one()
        row.asked_by = row.guesses = None
        db.session.commit()
    assert verify_from(client, "203.0.113.1", other_than(code)) == 401
    assert verify_from(client, "203.0.113.1", code) == 200


def test_the_limits_are_the_documented_ones() -> None:
    assert (otp.TRIES, otp.TRIES_OF_OTHERS) == (5, 15)


def test_a_stranger_uses_up_no_tries_of_a_number(make_limited: Callable[..., Flask], outgoing: Outgoing) -> None:
    limited = make_limited()
    confab_state(limited).outbox = outgoing.outbox
    client = Client(limited)
    code = ask(client, outgoing)
    assert [verify_from(client, "203.0.113.1", other_than(code)) for _ in range(11)] == [401] * 10 + [429]
    assert verify_from(client, "127.0.0.1", code) == 200


def numbers(count: int, prefix: str = "+4670174") -> list[str]:
    return [f"{prefix}{n:04}" for n in range(1000, 1000 + count)]


def test_two_addresses_cannot_block_a_range_of_numbers(make_limited: Callable[..., Flask]) -> None:
    client = Client(make_limited())
    sent = [send_from(client, f"203.0.113.{n % 2}", mobile) for n, mobile in enumerate(numbers(120))]
    assert sent[0] == 202
    assert 429 in sent, "a range has a limit for each address"
    assert send_from(client, "203.0.113.9", "+46701740605") == 202
    assert send_from(client, "203.0.113.9", "+46701740606") == 202


def test_first_texts_are_sent_although_others_used_up_the_repeats(make_limited: Callable[..., Flask]) -> None:
    """Twelve addresses use up the range's limit for repeats; the first text of another address is still sent."""
    client = Client(make_limited())
    sent = [send_from(client, f"203.0.113.{n % 12}", mobile) for n, mobile in enumerate(numbers(120))]
    assert sent.count(202) == 12 + 50
    assert send_from(client, "203.0.113.99", "+46701740605") == 202
    assert send_from(client, "203.0.113.99", "+46701740606") == 429


def test_a_range_of_numbers_gets_100_texts_an_hour(make_limited: Callable[..., Flask]) -> None:
    client = Client(make_limited())
    sent = [send_from(client, f"198.51.100.{n % 130}", mobile) for n, mobile in enumerate(numbers(260))]
    assert sent.count(202) == 100


def test_a_country_and_all_have_limits_for_first_texts(
    make_limited: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.auth import routes_otp

    monkeypatch.setattr(routes_otp, "SEND_OTP_COUNTRY", RateLimit("send-otp-country", "2 per hour"))
    client = Client(make_limited())
    assert [send_from(client, "203.0.113.1", f"+46701740{n}05") for n in range(4, 8)] == [202, 202, 202, 429]
    assert send_from(client, "203.0.113.2", "+46731740605") == 202
