"""Log records as JSON, or as text for a person. Gunicorn's master uses this module too, so it imports nothing of `backend`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from config import Config

DIM, RED, GREEN, YELLOW, BLUE, BOLD_RED = "2", "31", "32", "33", "34", "1;31"
LEVEL_COLOURS = {"debug": DIM, "info": BLUE, "warning": YELLOW, "error": RED, "critical": BOLD_RED}
REQUEST = ("method", "path", "status", "ms", "user_id")
"""The members of a request's line that replace its message."""


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


class PlainFormatter(JsonFormatter):
    """Writes the same members for a person: time, level, logger and message, then the others as `name=value`.

    A request has its method, path, status, milliseconds and user as message. Text of several lines, such as a traceback, follows
    on lines of its own, indented by four spaces, so that no text can imitate another line. Control characters are escaped,
    because a terminal would execute them.
    """

    def __init__(self, context: Callable[[], Mapping[str, Any]] = dict, *, has_colours: bool = False):
        super().__init__(context)
        self.has_colours = has_colours

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Return the line, and the lines that belong to it."""
        head = self._head(*(log_data.pop(name) for name in ("time", "level", "logger")))
        message, *below = self._message(log_data).split("\n")
        tail = []
        for member, value in log_data.items():
            text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
            if "\n" in text:
                below += text.split("\n") if member == "exception" else [f"{member}:", *text.split("\n")]
            elif value is not None:
                tail.append(f"{member}={_printable(text)}")
        line = " ".join([*head, message, *([self._paint(" ".join(tail), DIM)] if tail else [])])
        return "\n".join([line, *(f"    {_printable(each)}" for each in below)])

    def _head(self, time: str, level: str, logger: str) -> list[str]:
        """The parts of a line before its message."""
        clock, name = f"{time[:10]} {time[11:23]}Z", logger.removeprefix("confab.").removesuffix(".error")
        colour = LEVEL_COLOURS.get(level, BOLD_RED)
        return [self._paint(clock, DIM), self._paint(f"{level:8}", colour), f"{_printable(name):10}"]

    def _message(self, log_data: dict[str, Any]) -> str:
        """Remove the message from *log_data* and return it. Its first line is printable."""
        message: str = log_data.pop("message")
        if all(name in log_data for name in REQUEST):
            method, path, status, ms, user = (log_data.pop(name) for name in REQUEST)
            shown = self._paint(str(status), GREEN if status < 400 else YELLOW if status < 500 else RED)
            return f"{_printable(method)} {_printable(path)} {shown} {ms} ms user {'-' if user is None else user}"
        first, *rest = message.split("\n")
        return "\n".join([_printable(first), *rest])

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.has_colours else text


class CommandFormatter(PlainFormatter):
    """Writes `Warning: message` for a person who runs a `flask` command."""

    def _head(self, time: str, level: str, logger: str) -> list[str]:
        return [] if level in ("debug", "info") else [f"{level.capitalize()}:"]


def _printable(text: str) -> str:
    """Return *text* with every character that is not printable as an escape, such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def make_formatter(
    config: Config, context: Callable[[], Mapping[str, Any]], *, is_command: bool = False
) -> JsonFormatter:
    """The formatter of LOG_FORMAT for standard error. *context* returns additional members for every line.

    `auto` is plain where standard error is a terminal and APP_ENV is development, and JSON otherwise. There are colours on a
    terminal alone, and none with NO_COLOR. A `flask` command (*is_command*) writes JSON only if LOG_FORMAT is `json`.
    """
    if is_command and config.log_format != "json":
        return CommandFormatter(context)
    is_terminal = sys.stderr.isatty()
    is_automatic = config.log_format == "auto" and is_terminal and config.app_env == "development"
    if config.log_format == "plain" or is_automatic:
        return PlainFormatter(context, has_colours=is_terminal and config.may_colour_logs)
    return JsonFormatter(context)
