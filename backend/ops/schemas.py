"""What answers about health look like."""

from __future__ import annotations

from marshmallow import fields, validate

from backend.http.fields import AnswerSchema

HEALTH = ("healthy", "degraded", "unhealthy")


class AliveSchema(AnswerSchema):
    status = fields.String(required=True, validate=validate.Equal("healthy"))
    timestamp = fields.AwareDateTime(required=True)


class ReadySchema(AnswerSchema):
    status = fields.String(required=True, validate=validate.Equal("ready"))
    timestamp = fields.AwareDateTime(required=True)
    degraded = fields.List(
        fields.String(validate=validate.Equal("bus")),
        required=True,
        metadata={"description": "Parts that are away; it serves without them."},
    )


class PartSchema(AnswerSchema):
    status = fields.String(required=True, validate=validate.OneOf(("healthy", "unhealthy")))
    latency_ms = fields.Float(required=True)
    reason = fields.String(metadata={"description": "Why it is unhealthy."})


class SchemaStateSchema(AnswerSchema):
    current = fields.String(required=True, allow_none=True, metadata={"description": "The database's revision."})
    head = fields.String(required=True, metadata={"description": "The revision that the code needs."})
    drift = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Differences between the code and the database: tables, and the search index."},
    )


class HealthSchema(AnswerSchema):
    status = fields.String(required=True, validate=validate.OneOf(HEALTH))
    timestamp = fields.AwareDateTime(required=True)
    version = fields.String(required=True)
    uptime = fields.Float(required=True, metadata={"description": "Seconds since this worker started."})
    parts = fields.Dict(keys=fields.String(), values=fields.Nested(PartSchema), required=True)
    schema = fields.Nested(SchemaStateSchema, required=True)
