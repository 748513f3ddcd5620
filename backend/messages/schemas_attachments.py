"""Schemas of requests and answers about attachments."""

from __future__ import annotations

from flask_smorest.fields import Upload
from marshmallow import EXCLUDE, Schema, fields, validate

from backend.http.fields import AnswerSchema, BodySchema, Id, StrictBoolean, Text, WholeNumber


class AttachmentBody(BodySchema):
    """A file of any kind, with its name."""

    file = Upload(required=True)


class FileArgs(Schema):
    """Whether the original file or the thumbnail is requested."""

    class Meta:
        unknown = EXCLUDE

    is_thumbnail = StrictBoolean(
        data_key="thumbnail", load_default=False, metadata={"description": "Whether to return the thumbnail."}
    )


class SignedArgs(FileArgs):
    """The query of a signed link."""

    holder_id = Id(data_key="holder", required=True)
    expires = WholeNumber(required=True)
    signature = Text(required=True)


class AttachmentSchema(AnswerSchema):
    id = fields.Integer()
    filename = fields.String(
        validate=validate.Length(max=255), metadata={"description": "Without a path and without invisible characters."}
    )
    content_type = fields.String(
        validate=validate.Length(max=255),
        metadata={"description": "Determined from the bytes.", "example": "image/png"},
    )
    size = fields.Integer(metadata={"description": "In bytes."})
    width = fields.Integer(allow_none=True, metadata={"description": "In pixels, for images."})
    height = fields.Integer(allow_none=True, metadata={"description": "In pixels, for images."})
    url = fields.String(metadata={"format": "uri-reference"})
    thumbnail_url = fields.String(allow_none=True, metadata={"format": "uri-reference"})


class AttachmentLinkSchema(AnswerSchema):
    url = fields.String(metadata={"format": "uri-reference", "description": "A path and query of this server."})
    expires_in = fields.Integer(metadata={"description": "In seconds.", "example": 300})
