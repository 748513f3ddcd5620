"""Converts values of a legacy database. A value that makes no sense becomes None; nothing here raises."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import phonenumbers

from backend.database import MAX_ID

BCRYPT = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_TRUE, _FALSE = {"1", "t", "true", "y", "yes", "on"}, {"", "0", "f", "false", "n", "no", "off"}
_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
MILLISECONDS_FROM = 10**11
"""A larger number of an epoch is in milliseconds: in seconds it would be after the year 5138."""


def as_int(value: Any) -> int | None:
    """An integer that fits a bigint."""
    if isinstance(value, Decimal):
        value = int(value) if value.is_finite() and value == value.to_integral_value() else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_ID:
        return None
    return value


def as_bool(value: Any) -> bool | None:
    """A boolean, in any spelling."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return value != 0
    word = (as_text(value) or "").strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def as_text(value: Any) -> str | None:
    """Text that both databases can store: without NUL and lone surrogates."""
    if value is None:
        return None
    if isinstance(value, memoryview):
        value = value.tobytes()
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def as_line(value: Any) -> str | None:
    """Text without surrounding white space. None if nothing is left."""
    return (as_text(value) or "").strip() or None


def as_time(value: Any) -> datetime | None:
    """An aware time in UTC. A time without a zone is UTC; a number is seconds or milliseconds since 1970."""
    if isinstance(value, bytes | memoryview):
        value = as_text(value)
    if isinstance(value, str):
        value = _parse(value.strip())
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = _from_epoch(float(value))
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parse(text: str) -> datetime | float | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def _from_epoch(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= MILLISECONDS_FROM else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def as_hash(value: Any) -> str | None:
    """A bcrypt hash. None for any other hash, and for a password in clear text."""
    line = as_line(value)
    return line if line and BCRYPT.fullmatch(line) else None


def as_mobile(value: Any) -> tuple[str | None, bool]:
    """A phone number in E.164, and whether it is certain.

    With a guessed country code a number may belong to another person. So digits without a plus are accepted only if they are a
    valid international number, and count as uncertain.
    """
    line = as_line(value)
    if line is None or len(line) > 40:
        return None, False
    is_certain = line.startswith(("+", "00"))
    try:
        number = phonenumbers.parse("+" + line.removeprefix("+").removeprefix("00") if is_certain else f"+{line}")
    except phonenumbers.NumberParseException:
        return None, False
    fits = phonenumbers.is_possible_number if is_certain else phonenumbers.is_valid_number
    if not fits(number):
        return None, False
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), is_certain
