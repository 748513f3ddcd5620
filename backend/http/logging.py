"""Logs as JSON, a line each, on standard error. Requests are logged by `requests.py`, without query, headers or body."""

from __future__ import annotations

import logging
import sys
from typing import Any

from flask import g, has_request_context

from json_formatter import JsonFormatter


def make_formatter() -> JsonFormatter:
    """Return a formatter whose lines have the id of the request that is being answered, where there is one."""
    return JsonFormatter(_request_members)


def _request_members() -> dict[str, Any]:
    return {"request_id": g.request_id} if has_request_context() and "request_id" in g else {}


def configure(level: str) -> None:
    """Send everything from *level* on to standard error as JSON. Safe to call more than once."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    if any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(make_formatter())
    root.addHandler(handler)
    logging.getLogger("confab.websocket").setLevel(logging.WARNING)  # the framing library tells of every socket
    # The development server's own line has the query string in it, where tokens are; requests.py writes one without.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
