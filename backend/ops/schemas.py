"""What answers about health look like."""

from __future__ import annotations

from marshmallow import fields, validate

from backend.http.fields import AnswerSchema

HEALTH = ("healthy", "degraded", "unhealthy")


class LivenessSchema(AnswerSchema):
    status = fields.String(validate=validate.Equal("healthy"))
    timestamp = fields.AwareDateTime()


class ReadinessSchema(AnswerSchema):
    status = fields.String(validate=validate.Equal("ready"))
    timestamp = fields.AwareDateTime()
    degraded = fields.List(
        fields.String(validate=validate.Equal("bus")),
        metadata={"description": "Parts that are away; it serves without them."},
    )


class HealthPartSchema(AnswerSchema):
    conditional = ("reason",)

    status = fields.String(validate=validate.OneOf(("healthy", "unhealthy")))
    latency_ms = fields.Float()
    reason = fields.String(metadata={"description": "Why it is unhealthy. Left out if it is healthy."})


class DatabaseSchemaStateSchema(AnswerSchema):
    current = fields.String(allow_none=True, metadata={"description": "The database's revision."})
    head = fields.String(metadata={"description": "The revision that the code needs."})
    drift = fields.List(
        fields.String(),
        metadata={"description": "Differences between the code and the database: tables, and the search index."},
    )


class HealthSchema(AnswerSchema):
    status = fields.String(validate=validate.OneOf(HEALTH))
    timestamp = fields.AwareDateTime()
    version = fields.String()
    uptime = fields.Float(metadata={"description": "Seconds since this worker started."})
    parts = fields.Dict(keys=fields.String(), values=fields.Nested(HealthPartSchema))
    schema = fields.Nested(DatabaseSchemaStateSchema)
