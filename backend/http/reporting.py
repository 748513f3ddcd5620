"""Reports unexpected errors to Sentry if SENTRY_DSN is set: every log record with an exception, from any part of a worker.

A report has the types of the exceptions, their place in the code, the route and the request id. It has nothing that a client
sent: no body, query, header, token, cookie or address. It has no local variables and no text of exceptions, which may repeat any
of these. The text is in the log, with the same request id.
"""

from __future__ import annotations

import atexit
import logging
import time
from typing import Any

from flask import Flask, g, has_request_context, request

from config import Config

LOGGERS = ("confab", "gunicorn.error")
MAX_PER_MINUTE = 60
"""Reports of one worker. This limits the cost of an error that happens again and again."""

KEPT = (
    "event_id", "timestamp", "platform", "level", "logger", "exception", "transaction", "tags", "release", "environment",
    "sdk",
)  # fmt: skip
KEPT_OF_EXCEPTION = ("type", "module", "stacktrace", "mechanism")
KEPT_OF_MECHANISM = ("type", "handled", "source", "exception_id", "parent_id", "is_exception_group")
KEPT_OF_FRAME = (
    "filename", "function", "module", "lineno", "pre_context", "context_line", "post_context", "in_app",
)  # fmt: skip


def init_app(app: Flask) -> None:
    """Report errors that this process logs from now on. Does nothing if SENTRY_DSN is not set."""
    config: Config = app.config["CONFAB"]
    if config.sentry_dsn is None:
        return
    reporter = Reporter(_client(config, app.config["VERSION"]))
    for name in LOGGERS:
        logging.getLogger(name).addHandler(reporter)


def _client(config: Config, version: str) -> Any:
    """Sentry's client, which sends in its own thread. It patches nothing of the process and sends only what `scrub` keeps."""
    import sentry_sdk

    client = sentry_sdk.Client(
        dsn=config.sentry_dsn,
        release=f"confab@{version}",
        environment=config.app_env,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_client_reports=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=scrub,
    )
    atexit.register(client.close, timeout=2.0)
    return client


def scrub(event: Any, hint: Any = None) -> Any:
    """The parts of *event* that may leave the server."""
    kept = _only(event, KEPT)
    exceptions = [_scrubbed(each) for each in kept.get("exception", {}).get("values", [])]
    return {**kept, "exception": {"values": exceptions}}


def _scrubbed(exception: dict[str, Any]) -> dict[str, Any]:
    kept = _only(exception, KEPT_OF_EXCEPTION)
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    kept["stacktrace"] = {"frames": [_only(frame, KEPT_OF_FRAME) for frame in frames]}
    kept["mechanism"] = _only(exception.get("mechanism") or {}, KEPT_OF_MECHANISM)
    return kept


def _only(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


class Reporter(logging.Handler):
    """Hands log records with an exception to Sentry's client, which queues them: no request waits for the network."""

    def __init__(self, client: Any):
        super().__init__(logging.ERROR)
        self.client = client
        self._minute, self._count = 0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Report *record*. Never raises."""
        if not record.exc_info or not record.exc_info[1] or not self._has_room():
            return
        try:
            self.client.capture_event(self._event(record, record.exc_info))
        except Exception:  # noqa: BLE001  # reporting must not make a request fail
            self.handleError(record)

    def _has_room(self) -> bool:
        minute = int(time.monotonic() // 60)
        self._count = self._count + 1 if minute == self._minute else 1
        self._minute = minute
        return self._count <= MAX_PER_MINUTE

    def _event(self, record: logging.LogRecord, exc_info: Any) -> dict[str, Any]:
        from sentry_sdk.utils import event_from_exception

        event: dict[str, Any] = event_from_exception(exc_info, self.client.options)[0]  # type: ignore[assignment]
        event["logger"] = record.name
        event["level"] = record.levelname.lower()
        if has_request_context():
            event["transaction"] = f"{request.method} {request.url_rule}"
            event["tags"] = {"request_id": g.get("request_id")}
        return event
