"""The response schema of attachments."""

from __future__ import annotations

from marshmallow import fields

from backend.http.fields import AnswerSchema


class AttachmentSchema(AnswerSchema):
    id = fields.Integer()
    filename = fields.String()
    content_type = fields.String()
    size = fields.Integer(metadata={"description": "In bytes."})
    url = fields.String()
    thumbnail_url = fields.String(allow_none=True)
