"""Log records as JSON. For gunicorn's master as well as the application, so it imports nothing of `backend`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter


class JsonFormatter(OrjsonFormatter):
    """Writes one line a record: time, level, logger, message, and the exception where there is one.

    *context* returns members that every line has besides, and `extra={"data": {...}}` adds some to one line. No other
    attribute of a record is written: libraries set some, and a secret may be among them.
    """

    def __init__(self, context: Callable[[], Mapping[str, Any]] = dict):
        super().__init__(json_default=str)
        self.context = context

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Fill *log_data*, in the order of the line."""
        time = datetime.fromtimestamp(record.created, UTC)
        log_data["time"] = time.isoformat(timespec="microseconds").replace("+00:00", "Z")
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        log_data["message"] = record.getMessage()
        log_data.update(self.context())
        log_data.update(getattr(record, "data", {}))
        if "exc_info" in message_dict:
            log_data["exception"] = message_dict["exc_info"]

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Serialise the line. What orjson refuses (half a surrogate pair, a number above 64 bits) is written all the same."""
        try:
            return str(super().jsonify_log_record(log_data))
        except TypeError:
            return json.dumps(log_data, default=str)
