"""Logs on standard error, in the format of LOG_FORMAT. `requests.py` logs requests, without query, headers or body."""

from __future__ import annotations

import logging
import sys
from typing import Any

from flask import g, has_request_context

from config import Config
from log_formatters import JsonFormatter, make_formatter


def request_members() -> dict[str, Any]:
    """Additional members of each line of the log: the id of the current request, if there is one."""
    return {"request_id": g.request_id} if has_request_context() and "request_id" in g else {}


def configure(config: Config, *, is_command: bool = False) -> None:
    """Write records of LOG_LEVEL and above to standard error. May be called more than once; the first format stays.

    *is_command* chooses the format for the person who runs a `flask` command.
    """
    root = logging.getLogger()
    root.setLevel(config.log_level.upper())
    if any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(make_formatter(config, request_members, is_command=is_command))
    root.addHandler(handler)
    logging.getLogger("confab.websocket").setLevel(logging.WARNING)  # the websockets library logs every socket
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)  # it logs every refusal, which requests.py does too
    # The development server logs the query string, which may hold a token. requests.py logs requests without it.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
