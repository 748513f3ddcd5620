"""Queries and answers about the audit trail."""

from __future__ import annotations

from marshmallow import fields, validate

from backend.http.fields import AnswerSchema, Id, Text
from backend.http.pagination import PageArgs


class AuditArgs(PageArgs):
    """The filters of the list."""

    action = Text(high=100, metadata={"description": "Such as `login.failed`."})
    actor_id = Id(metadata={"description": "Who did it."})
    target = Text(high=100, metadata={"description": "The target: `user:7`, `room:3`."})


class AuditEventSchema(AnswerSchema):
    id = fields.Integer()
    action = fields.String(validate=validate.Length(max=100), metadata={"example": "login.failed"})
    actor_id = fields.Integer(allow_none=True, metadata={"description": "Null: an unknown user, or the command line."})
    target = fields.String(allow_none=True, validate=validate.Length(max=100), metadata={"example": "user:7"})
    ip_address = fields.String(allow_none=True, validate=validate.Length(max=50))
    data = fields.Dict(allow_none=True)
    created_at = fields.AwareDateTime()
