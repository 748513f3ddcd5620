"""Requests and answers of `/api/auth/tokens`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from backend.auth.api_tokens import DEFAULT_SCOPES, SCOPES
from backend.http.fields import AnswerSchema, BodySchema, Line, Text


class FutureTime(fields.AwareDateTime):
    """A future time, with its offset: `2027-01-31T12:00:00Z`."""

    def __init__(self, **kwargs: Any):
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or len(value) > 40:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        try:
            moment: datetime = super()._deserialize(value, *args, **kwargs).astimezone(UTC)
        except OverflowError:
            raise ValidationError("This time cannot be stored. Choose an earlier one.") from None
        if moment <= datetime.now(UTC):
            raise ValidationError("Must be in the future.")
        return moment


class ApiTokenBody(BodySchema):
    name = Line(low=1, high=100, strip=True, required=True, metadata={"description": "What the token is for."})
    scopes = fields.List(
        Text(validate=validate.OneOf(SCOPES)),
        validate=validate.Length(min=1, max=len(SCOPES)),
        load_default=list(DEFAULT_SCOPES),
        metadata={"description": "`read` and `write` by default. Only superusers may grant `admin` and `health`."},
    )
    expires_at = FutureTime(allow_none=True, metadata={"description": "Without it the token does not expire."})


class ApiTokenSchema(AnswerSchema):
    id = fields.Integer()
    name = fields.String(validate=validate.Length(max=100))
    scopes = fields.List(fields.String())
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime(allow_none=True)
    last_used_at = fields.AwareDateTime(allow_none=True, metadata={"description": "To the minute."})


class NewApiTokenSchema(ApiTokenSchema):
    """A new token."""

    token = fields.String(metadata={"description": "The secret. It is never shown again."})
