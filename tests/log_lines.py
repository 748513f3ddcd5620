"""The lines of the log as they are written to standard error."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from backend.http.logging import request_members
from log_formatters import JsonFormatter

Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def log_lines(name: str) -> Iterator[Lines]:
    """Record what the logger *name*, and those below it, write from INFO on. Call the result for the decoded lines so far."""
    written: list[str] = []
    formatter = JsonFormatter(request_members)

    class Recorder(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(formatter.format(record))

    logger, handler = logging.getLogger(name), Recorder()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lambda: [json.loads(line) for line in written]
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
