"""Queued messages are sent, retried after failures, and given up when they expire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import gevent
import pytest
import time_machine
from flask import Flask
from sqlalchemy import exc, select, update

from backend.models import AccountToken, OtpCode, OutboxMessage
from backend.models.base import db, utcnow
from backend.outbox import queue, sender
from backend.outbox.gateways import Failed, Refused
from backend.outbox.mail import Mail
from tests.factories import Factory
from tests.outgoing import Outgoing
from tests.races import at_once

TO = "+46701740605"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


class Provider:
    """A gateway that fails as configured."""

    def __init__(self, *errors: BaseException | None):
        self.errors = list(errors)
        self.keys: list[str] = []

    def send(self, *args: Any) -> None:
        self.keys.append(args[-1])
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error


def enqueue(app: Flask, kind: str = "sms", lifetime: int = 300, text: str = "the secret 123456") -> None:
    payload = {"to": TO, "text": text} if kind == "sms" else {"to": "a@example.com", "subject": "s", "text": text}
    with app.app_context():
        queue.enqueue(kind, "test", payload, lifetime=timedelta(seconds=lifetime))
        db.session.commit()


def row(app: Flask) -> OutboxMessage:
    with app.app_context():
        return db.session.scalars(select(OutboxMessage)).one()


def test_a_message_is_encrypted_until_it_is_sent_and_then_deleted(app: Flask, outgoing: Outgoing) -> None:
    enqueue(app)
    waiting = row(app)
    assert waiting.payload is not None
    assert "123456" not in waiting.payload
    assert TO not in waiting.payload
    assert outgoing.outbox.drain() == {"sms": 1, "mail": 0}
    assert outgoing.texts == [(TO, "the secret 123456")]
    sent = row(app)
    assert (sent.payload, sent.next_attempt_at, sent.attempts, sent.last_error) == (None, None, 1, None)
    assert sent.sent_at is not None
    assert outgoing.outbox.drain() == {"sms": 0, "mail": 0}


def test_a_rollback_sends_nothing(app: Flask, outgoing: Outgoing) -> None:
    with app.app_context():
        queue.enqueue("sms", "test", {"to": TO, "text": "x"}, lifetime=timedelta(minutes=5))
        db.session.flush()
        db.session.rollback()
    assert outgoing.outbox.drain() == {"sms": 0, "mail": 0}


@pytest.mark.parametrize("error", [Failed("HTTP 503"), ConnectionRefusedError("to 10.0.0.1"), TimeoutError()])
def test_failures_are_retried_with_growing_delays(
    app: Flask, outgoing: Outgoing, clock: Any, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    provider = outgoing.outbox.sms = Provider(error, error, error)
    enqueue(app)
    waits = []
    for attempt in range(1, 4):
        outgoing.outbox.drain()
        waiting = row(app)
        assert (waiting.attempts, waiting.sent_at) == (attempt, None)
        assert waiting.last_error == (str(error) if isinstance(error, Failed) else type(error).__name__)
        assert waiting.next_attempt_at is not None
        waits.append((waiting.next_attempt_at - utcnow()).total_seconds())
        clock.shift(waits[-1])
    assert all(
        low <= wait <= high for wait, (low, high) in zip(waits, [(1.6, 2.4), (3.2, 4.8), (6.4, 9.6)], strict=True)
    )
    outgoing.outbox.drain()
    assert (row(app).sent_at is not None, row(app).last_error) == (True, None)
    assert set(provider.keys) == {f"confab-outbox-{row(app).id}"}
    assert "10.0.0.1" not in caplog.text
    assert TO not in caplog.text


def test_a_message_that_would_be_late_is_given_up(app: Flask, outgoing: Outgoing, clock: Any) -> None:
    provider = outgoing.outbox.sms = Provider(*[Failed("HTTP 500")] * 100)
    enqueue(app)
    outgoing.outbox.drain()
    while (due := row(app).next_attempt_at) is not None:
        clock.move_to(due + timedelta(milliseconds=1))
        outgoing.outbox.drain()
    given_up = row(app)
    assert given_up.given_up_at is not None
    assert (given_up.payload, given_up.sent_at, given_up.last_error) == (None, None, "HTTP 500")
    assert (given_up.given_up_at - given_up.created_at).total_seconds() < 300
    assert 6 <= len(provider.keys) <= 9


def test_delays_have_a_maximum(app: Flask, outgoing: Outgoing) -> None:
    outgoing.outbox.sms = Provider(Failed("HTTP 500"))
    enqueue(app, lifetime=86_400)
    with app.app_context():
        db.session.execute(update(OutboxMessage).values(attempts=30_000))
        db.session.commit()
    outgoing.outbox.drain()
    assert 480 <= (row(app).next_attempt_at - utcnow()).total_seconds() <= 720  # type: ignore[operator]


def test_a_refused_message_is_not_retried(app: Flask, outgoing: Outgoing) -> None:
    outgoing.outbox.sms = Provider(Refused("HTTP 400"))
    enqueue(app)
    outgoing.outbox.drain()
    assert (row(app).given_up_at is not None, row(app).payload, row(app).last_error) == (True, None, "HTTP 400")


def test_an_expired_message_is_not_sent(app: Flask, outgoing: Outgoing, clock: Any) -> None:
    enqueue(app)
    clock.shift(300)
    outgoing.outbox.drain()
    assert (outgoing.texts, row(app).last_error, row(app).payload) == ([], "too late", None)


def test_an_unexpected_error_is_logged_and_retried(
    app: Flask, outgoing: Outgoing, caplog: pytest.LogCaptureFixture
) -> None:
    outgoing.outbox.sms = Provider(ZeroDivisionError("quoting 123456"))
    enqueue(app)
    outgoing.outbox.drain()
    assert (row(app).last_error, row(app).sent_at) == ("ZeroDivisionError", None)
    assert "failed unexpectedly" in caplog.text


def test_another_secret_key_decrypts_nothing(app: Flask, outgoing: Outgoing) -> None:
    enqueue(app)
    with app.app_context():
        db.session.execute(update(OutboxMessage).values(payload="gAAAAA"))
        db.session.commit()
    outgoing.outbox.drain()
    assert "SECRET_KEY" in str(row(app).last_error)


@pytest.mark.no_cover  # greenlets would be confused with each other
def test_a_hanging_gateway_is_stopped(app: Flask, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hung:
        def send(self, *args: Any) -> None:
            gevent.sleep(60)

    monkeypatch.setattr(sender, "SEND_SECONDS", 0.05)
    outgoing.outbox.sms = Hung()  # type: ignore[assignment]
    enqueue(app)
    outgoing.outbox.drain()
    assert row(app).last_error == "took too long"


def test_workers_never_take_the_same_message(app: Flask, outgoing: Outgoing) -> None:
    for n in range(30):
        enqueue(app, text=str(n))

    def claim() -> list[int]:
        with app.app_context():
            return [found.id for found in queue.claim("sms", 10)]

    taken = [id_ for ids in at_once([claim] * 6) for id_ in ids]
    assert len(taken) == len(set(taken))
    taken += claim() + claim() + claim()
    assert len(taken) == len(set(taken)) == 30


def test_messages_of_a_dead_worker_are_sent_by_others(app: Flask, outgoing: Outgoing, clock: Any) -> None:
    enqueue(app)
    with app.app_context():
        [dead] = queue.claim("sms", 10)
        assert queue.claim("sms", 10) == []
        clock.shift(queue.LEASE.total_seconds() - 1)
        assert queue.claim("sms", 10) == []
        clock.shift(1)
        [taken] = queue.claim("sms", 10)
        queue.mark_dead(dead, "late")
        assert row(app).given_up_at is None, "a worker that lost the lease changes nothing"
        queue.settle_sent(taken)
    assert (row(app).attempts, row(app).sent_at is not None) == (2, True)


def test_old_rows_are_swept(app: Flask, outgoing: Outgoing, clock: Any, make: Factory) -> None:
    enqueue(app)
    outgoing.outbox.drain()
    user = make.user()
    with app.app_context():
        soon = utcnow() + timedelta(minutes=5)
        db.session.add(OtpCode(mobile=TO, code="x", expires_at=soon))
        db.session.add(AccountToken(user_id=user.id, purpose="p", token="x", email="e", expires_at=soon))
        db.session.commit()

    def counts() -> list[int]:
        outgoing.outbox.sweep()
        with app.app_context():
            return [len(db.session.scalars(select(model)).all()) for model in (OutboxMessage, OtpCode, AccountToken)]

    clock.shift(86_400)
    assert counts() == [1, 1, 1]
    clock.shift(301)
    assert counts() == [1, 0, 0]
    clock.shift(6 * 86_400)
    assert counts() == [0, 0, 0]
    enqueue(app)
    clock.shift(86_400)
    assert counts()[0] == 1, "waiting messages are never swept"


def test_the_commands(app: Flask, outgoing: Outgoing) -> None:
    run = app.test_cli_runner().invoke
    enqueue(app)
    enqueue(app, "mail")
    waiting = run(args=["outbox", "status"]).output
    assert waiting.splitlines() == [
        "sms: waiting 1, failing 0, oldest_seconds 0, sent 0, given_up 0",
        "mail: waiting 1, failing 0, oldest_seconds 0, sent 0, given_up 0",
    ]
    assert run(args=["outbox", "drain"]).output == "sent 1 sms and 1 mail\n"
    assert outgoing.mails == [Mail("a@example.com", "s", "the secret 123456")]
    assert "sms: waiting 0, failing 0, oldest_seconds 0, sent 1, given_up 0" in run(args=["outbox", "status"]).output


@pytest.mark.no_cover
def test_workers_send_concurrently_and_survive_every_failure(
    app: Flask, outgoing: Outgoing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Exception] = [exc.OperationalError("SELECT", {}, OSError()), ZeroDivisionError()]
    real = queue.claim

    def claim(kind: str, most: int) -> list[Any]:
        if failures:
            raise failures.pop(0)
        return real(kind, most)

    monkeypatch.setattr(queue, "claim", claim)
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.01)
    greenlets = outgoing.outbox.start()
    try:
        for n in range(25):
            enqueue(app, text=str(n))
        with gevent.Timeout(20):
            while len(outgoing.texts) < 25:
                gevent.sleep(0.01)
    finally:
        gevent.killall(greenlets)
    assert sorted(int(text) for _, text in outgoing.texts) == list(range(25))
    assert {"the database is down; the outbox continues when it is back", "the outbox failed"} <= set(caplog.messages)
