"""Schemas of requests and responses about changes of messages."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from backend.http.fields import AnswerSchema, BodySchema, StrictBoolean, Text, WholeNumber
from backend.http.pagination import PageArgs
from backend.messages.schemas import MAX_CONTENT


class MessageEditSchema(BodySchema):
    content = Text(
        required=True,
        high=MAX_CONTENT,
        metadata={
            "description": "Up to 4,000 characters, kept as sent. May be blank only if the message has attachments."
        },
    )
    modseq = WholeNumber(
        allow_none=True,
        load_default=None,
        metadata={
            "description": "The modseq of the version that you edited. 409 `edit_conflict` if it is not the present one."
        },
    )


class DeletionArgs(Schema):
    class Meta:
        unknown = EXCLUDE

    hard = StrictBoolean(
        load_default=False, metadata={"description": "Remove content, history and files from the database for good."}
    )


class ReplyArgs(PageArgs):
    """Paging within a thread: by seq, or by skip and limit."""

    before = WholeNumber(load_default=None, metadata={"description": "Only replies with a smaller seq."})
    after = WholeNumber(load_default=None, metadata={"description": "Only replies with a greater seq, oldest first."})

    @validates_schema
    def _one_cursor(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("before") is not None and data.get("after") is not None:
            raise ValidationError({name: ["Give one of before, after."] for name in ("before", "after")})


class MessageVersionSchema(AnswerSchema):
    """An earlier version of a message."""

    content = fields.String()
    edited_at = fields.DateTime(metadata={"description": "The time at which the next version replaced it."})
