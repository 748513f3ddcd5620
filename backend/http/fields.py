"""The fields of schemas. Each refuses values that one of the databases cannot store, or that a client cannot show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate
from webargs.fields import DelimitedList

from backend.database import MAX_ID

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a symbol that have no visible shape."""
_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)


def storable(text: str) -> str:
    """*text* without the characters that PostgreSQL cannot store."""
    return _UNSTORABLE.sub("", text)


def _is_query(data: Any) -> bool:
    """Whether a field is read from a query or a form, where every value is text. Inside a list or dict *data* is None."""
    return data is not None and not isinstance(data, dict)


CONVERSATION_ID_PATTERN = "^(lobby|room:[0-9]+|dm:[0-9]+:[0-9]+)$"
"""The regular expression of ids of conversations, for documents."""


class Text(fields.String):
    """Text that both databases can store: no NUL and no lone surrogate. Lengths are in characters.

    `documented` is added to the field in the OpenAPI document, as JSON Schema.
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
    """*text* without the characters that a `Line` refuses, for text that is not the client's to correct."""
    return _UNSEEN.sub("", storable(text))


def is_visible(text: str) -> bool:
    """True if *text* has a visible character: neither space, nor combining mark, nor formatting."""
    return any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK for char in text)


class Line(Text):
    """One line of visible text, such as a name or a title.

    Refuses control characters, characters without width, and those that change the direction of the text around them. Allows the
    joiners of emoji and of some scripts (U+200C, U+200D) beside visible characters.
    """

    documented: ClassVar[dict[str, Any]] = {
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$"
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        line = super()._deserialize(value, attr, data, **kwargs)
        if _UNSEEN.search(line):
            raise ValidationError(
                "Contains an invisible character, a control character, or one that changes the direction of text."
            )
        if line and not is_visible(line):
            raise ValidationError("Contains no visible character.")
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


class Ids(DelimitedList):
    """Ids of a query parameter, separated by commas: `ids=1,2,3`."""

    def __init__(self, *, high: int, **kwargs: Any):
        super().__init__(Id(), validate=validate.Length(min=1, max=high), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any | None]:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        return [self.inner.deserialize(part, attr, data, **kwargs) for part in value.split(self.delimiter)]


class Time(fields.AwareDateTime):
    """A time with its offset from UTC (RFC 3339), in the years 1 to 9999 in UTC."""

    def __init__(self, **kwargs: Any):
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        given = value.upper() if isinstance(value, str) else value  # RFC 3339 allows t and z
        time = super()._deserialize(given, attr, data, **kwargs)
        try:
            return time.astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from error


class StrictBoolean(fields.Boolean):
    """true or false; in a query the words `true` and `false`. Refuses 1, "yes" and "on"."""

    truthy = {True, "true"}  # noqa: RUF012  # marshmallow's way of configuration
    falsy = {False, "false"}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        allowed = (bool, str) if _is_query(data) else (bool,)
        if not isinstance(value, allowed):
            raise self.make_error("invalid", input=value)
        return bool(super()._deserialize(value, attr, data, **kwargs))


class BodySchema(Schema):
    """Base of the schemas of request bodies. Unknown fields are refused."""

    may_be_absent = False
    """Whether a request without a body and content type is read as `{}`."""

    class Meta:
        unknown = RAISE


class AnswerSchema(Schema):
    """Base of the schemas that document responses.

    Services build responses with one serialiser for each noun, which REST, socket, sync and export share. `dump` returns them
    unchanged. A field that some answers omit is listed in `conditional`; every other field is documented as required.
    """

    conditional: ClassVar[Collection[str]] = ()

    class Meta:
        unknown = EXCLUDE  # documents that later releases may add fields

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = field_name not in self.conditional

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        return obj
