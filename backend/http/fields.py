"""The fields that schemas are made of. Each refuses what one of the databases, or a later reader, could not take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from backend.database import MAX_ID

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a symbol that are drawn as nothing."""
_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)


def storable(text: str) -> str:
    """*text* without what PostgreSQL cannot keep."""
    return _UNSTORABLE.sub("", text)


def _is_query(data: Any) -> bool:
    """Whether a field is read from a query or a form, where everything is text; inside a list or dict data is None."""
    return data is not None and not isinstance(data, dict)


class Text(fields.String):
    """Text that both databases can keep: no NUL and no lone surrogate. Lengths are in characters.

    `documented` is what the OpenAPI document says of such a field beyond its validators, as JSON Schema.
    """

    documented: ClassVar[dict[str, Any]] = {"pattern": r"^[^\u0000]*$"}

    def __init__(self, *, low: int = 0, high: int | None = None, strip: bool = False, **kwargs: Any):
        metadata = self.documented | (kwargs.pop("metadata", None) or {})
        super().__init__(metadata=metadata, **kwargs)
        self.strip = strip
        if low or high is not None:
            self.validators.insert(0, validate.Length(min=low or None, max=high))

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if _UNSTORABLE.search(value):
            raise ValidationError("Contains a NUL character or a lone surrogate.")
        return value.strip() if self.strip else value


def as_line(text: str) -> str:
    """*text* without what a `Line` refuses, for text that cannot be refused."""
    return _UNSEEN.sub("", storable(text))


def is_visible(text: str) -> bool:
    """True where *text* has a character that is drawn: neither space, nor mark, nor formatting."""
    return any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK for char in text)


class Line(Text):
    """Text on one line that can be seen (names, titles).

    Refuses control characters, characters without width, and those that change the direction of the text around them. The
    joiners of emoji and of some scripts (U+200C, U+200D) are allowed beside visible characters.
    """

    documented: ClassVar[dict[str, Any]] = {
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$"
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        line = super()._deserialize(value, attr, data, **kwargs)
        if _UNSEEN.search(line):
            raise ValidationError("Contains a control character, an invisible one, or one that turns the text around.")
        if line and not is_visible(line):
            raise ValidationError("Contains nothing that can be seen.")
        return line


class WholeNumber(fields.Integer):
    """A number from *low* to *high*, as a JSON integer or, in a query, as ASCII digits. 1.0, true and "１" are refused."""

    def __init__(self, *, low: int = 0, high: int = MAX_ID, **kwargs: Any):
        super().__init__(**kwargs)
        self.low, self.high = low, high
        self.validators.insert(0, validate.Range(min=low, max=high))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _is_query(data) and _WHOLE.fullmatch(value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        return value


class Id(WholeNumber):
    """The id of a row."""

    def __init__(self, **kwargs: Any):
        super().__init__(low=1, **kwargs)


class StrictBoolean(fields.Boolean):
    """true or false; in a query also their names. Not 1, "yes" or "on"."""

    truthy = {True, "true"}  # noqa: RUF012  # marshmallow's own manner of configuration
    falsy = {False, "false"}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        allowed = (bool, str) if _is_query(data) else (bool,)
        if not isinstance(value, allowed):
            raise self.make_error("invalid", input=value)
        return bool(super()._deserialize(value, attr, data, **kwargs))


class BodySchema(Schema):
    """Base of what a request's body is read with: unknown fields are refused."""

    may_be_absent = False
    """Whether a request without a body, and without a content type, is read like `{}`."""

    class Meta:
        unknown = RAISE


class AnswerSchema(Schema):
    """Base of what an answer is documented with.

    Services build answers with one serialiser for each noun, which REST, socket, sync and export share; `dump` passes them
    on as they are.
    """

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return obj
