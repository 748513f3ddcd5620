"""Sends the messages of the queue. Every worker has one loop for text messages and one for mail: neither delays the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gevent
from flask import Flask
from gevent.event import Event
from gevent.pool import Pool
from sqlalchemy import Row

from backend.database import is_unavailable
from backend.models.base import db, utcnow
from backend.outbox import queue
from backend.outbox.gateways import Failed, Refused, sms_gateway, sms_notice
from backend.outbox.mail import Mail, mail_notice, mailer
from backend.security.encryption import DecryptionError

log = logging.getLogger("confab.outbox")

POLL_SECONDS = 1.0
"""How often a worker polls for retries and for messages of other workers. Its own messages wake it at once."""

SEND_SECONDS = 30.0
"""How long one attempt may take."""

MAX_CONCURRENT = 10
"""How many messages of a kind one worker sends at once, so that some that hang do not delay the others."""

SWEEP_SECONDS = 3600.0

Composer = Callable[[dict[str, Any]], Mail | None]
"""Makes a mail from its payload when it is sent. None means that the mail is no longer needed."""


class Outbox:
    """Sends the messages of one application. Sends nothing before `start`, which each worker of gunicorn calls.

    *composers* makes the mails of a topic whose text must not be in the database. All others are sent as they were queued.
    *also_sweep* is called, in an application context, whenever the outbox sweeps itself.
    """

    def __init__(
        self, app: Flask, composers: Mapping[str, Composer], also_sweep: Sequence[Callable[[], None]] = ()
    ) -> None:
        config = app.config["CONFAB"]
        self.app = app
        self.composers = composers
        self.also_sweep = also_sweep
        self.sms = sms_gateway(config)
        self.mail = mailer(config)
        self.notices: Sequence[str] = [
            notice for notice in (sms_notice(config), mail_notice(config)) if notice is not None
        ]
        """Sentences about messages that this production server does not send."""

        self._woken: dict[str, Event] = {}

    def start(self) -> list[gevent.Greenlet[..., None]]:
        """Start sending, in greenlets that end with the worker. Returns them."""
        for notice in self.notices:
            log.warning(notice)
        self._woken = {kind: Event() for kind in queue.KINDS}
        return [gevent.spawn(self._run_sweeps), *(gevent.spawn(self._run, kind) for kind in queue.KINDS)]

    def wake(self) -> None:
        """Poll now: a message was added to the queue."""
        for woken in self._woken.values():
            woken.set()

    def drain(self) -> dict[str, int]:
        """Send all due messages, one after the other. Returns how many were sent of each kind."""
        counts = dict.fromkeys(queue.KINDS, 0)
        for kind in queue.KINDS:
            while rows := self._claim(kind, MAX_CONCURRENT):
                counts[kind] += sum(self.deliver(row) for row in rows)
        return counts

    def deliver(self, row: Row[Any]) -> bool:
        """Try to send a claimed message, and record the result. Returns whether it was sent."""
        with self.app.app_context():
            if row.expires_at <= utcnow():
                return _give_up(row, "too late")
            try:
                with gevent.Timeout(SEND_SECONDS, Failed("took too long")):
                    self._send(row)
            except (Refused, DecryptionError) as error:
                return _give_up(row, str(error) or "SECRET_KEY has changed")
            except Exception as error:  # noqa: BLE001  # `_fail` logs errors that are not the provider's
                return _fail(row, error)
            queue.settle_sent(row)
        log.info("%s %d (%s) was sent", row.kind, row.id, row.topic)
        return True

    def _send(self, row: Row[Any]) -> None:
        payload, key = queue.payload_of(row), f"confab-outbox-{row.id}"
        if row.kind == queue.SMS:
            self.sms.send(payload["to"], payload["text"], key)
            return
        mail = self.composers.get(row.topic, _as_written)(payload)
        db.session.remove()  # hold no database connection while the provider answers
        if mail is not None:
            self.mail.send(mail, key)

    def _claim(self, kind: str, limit: int) -> list[Row[Any]]:
        with self.app.app_context():
            return queue.claim(kind, limit)

    def _run(self, kind: str) -> None:
        pool, woken = Pool(MAX_CONCURRENT), self._woken[kind]
        while True:
            woken.clear()
            self._try(self._send_all, kind, pool)
            woken.wait(POLL_SECONDS)

    def _send_all(self, kind: str, pool: Pool) -> None:
        while rows := self._claim(kind, pool.free_count()):
            for row in rows:
                pool.spawn(self._try, self.deliver, row)
            pool.wait_available()

    def _run_sweeps(self) -> None:
        while True:
            self.sweep()
            gevent.sleep(SWEEP_SECONDS)

    def sweep(self) -> None:
        """Delete what is no longer needed. A step that fails is repeated by the next sweep."""
        for step in (queue.sweep, *self.also_sweep):
            with self.app.app_context():
                self._try(step)

    def _try(self, step: Callable[..., Any], *args: Any) -> None:
        """Run *step*, and log an error: the loops continue."""
        try:
            step(*args)
        except Exception as error:
            if is_unavailable(error):
                log.warning("the database is down; the outbox continues when it is back")
            else:
                log.exception("the outbox failed")


def _as_written(payload: dict[str, Any]) -> Mail:
    return Mail(**payload)


def _give_up(row: Row[Any], reason: str) -> bool:
    queue.mark_dead(row, reason)
    log.error("%s %d (%s) was given up: %s", row.kind, row.id, row.topic, reason)
    return False


def _fail(row: Row[Any], error: Exception) -> bool:
    """Record only Confab's own texts: the text of a provider may quote the message."""
    reason = str(error) if isinstance(error, Failed) else type(error).__name__
    if not isinstance(error, Failed | OSError) and not is_unavailable(error):
        log.error("%s %d failed unexpectedly", row.kind, row.id, exc_info=error)
    if queue.settle_failed(row, reason):
        log.warning("%s %d (%s) was not sent, attempt %d: %s", row.kind, row.id, row.topic, row.attempts, reason)
    else:
        log.error("%s %d (%s) was given up: %s", row.kind, row.id, row.topic, reason)
    return False
