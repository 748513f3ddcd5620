"""Logs as JSON, a line each, on standard error. Requests are logged by `requests.py`, without query, headers or body."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson
from flask import g, has_request_context


class JsonFormatter(logging.Formatter):
    """One JSON object a record; `extra={"data": {...}}` adds members to it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context() and "request_id" in g:
            line["request_id"] = g.request_id
        line.update(getattr(record, "data", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()


def configure(level: str) -> None:
    """Send everything from *level* on to standard error as JSON. Safe to call more than once."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    if any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root.addHandler(handler)
    logging.getLogger("confab.websocket").setLevel(logging.WARNING)  # the framing library tells of every socket
    # The development server's own line has the query string in it, where tokens are; requests.py writes one without.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
