"""Log records as JSON. Gunicorn's master uses this module too, so it imports nothing of `backend`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter


class JsonFormatter(OrjsonFormatter):
    """Writes one line for each record: time, level, logger, message, and the exception if there is one.

    *context* returns additional members for every line. `extra={"data": {...}}` adds members to one line. No other
    attribute of a record is written, because libraries set some that contain secrets.
    """

    def __init__(self, context: Callable[[], Mapping[str, Any]] = dict):
        super().__init__(json_default=str)
        self.context = context

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Fill *log_data* in the order of the members in the line."""
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
        """Serialise the line. Values that orjson refuses (half a surrogate pair, a number above 64 bits) go through `json`."""
        try:
            return str(super().jsonify_log_record(log_data))
        except TypeError:
            return json.dumps(log_data, default=str)
