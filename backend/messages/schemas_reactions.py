"""The response schema of reactions."""

from __future__ import annotations

from marshmallow import fields, validate

from backend.http.fields import AnswerSchema


class MessageReactionSchema(AnswerSchema):
    emoji = fields.String(validate=validate.Length(max=64))
    count = fields.Integer()
    user_ids = fields.List(fields.Integer())
