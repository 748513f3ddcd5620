"""Logs as JSON lines on standard error. `requests.py` logs requests, without query, headers or body."""

from __future__ import annotations

import logging
import sys
from typing import Any

from flask import g, has_request_context

from json_formatter import JsonFormatter


def make_formatter() -> JsonFormatter:
    """A formatter that adds the id of the current request, if there is one."""
    return JsonFormatter(_request_members)


def _request_members() -> dict[str, Any]:
    return {"request_id": g.request_id} if has_request_context() and "request_id" in g else {}


def configure(level: str) -> None:
    """Write records of *level* and above to standard error as JSON. May be called more than once."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    if any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(make_formatter())
    root.addHandler(handler)
    logging.getLogger("confab.websocket").setLevel(logging.WARNING)  # the websockets library logs every socket
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)  # it logs every refusal, which requests.py does too
    # The development server logs the query string, which may hold a token. requests.py logs requests without it.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
