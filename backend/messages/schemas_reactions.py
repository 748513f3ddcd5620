"""The response schema of reactions."""

from __future__ import annotations

from marshmallow import fields

from backend.http.fields import AnswerSchema


class MessageReactionSchema(AnswerSchema):
    emoji = fields.String()
    count = fields.Integer()
    user_ids = fields.List(fields.Integer())
