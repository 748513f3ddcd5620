"""Schemas of requests and responses about reports."""

from __future__ import annotations

from marshmallow import fields, validate

from backend.http.fields import AnswerSchema, BodySchema, Text
from backend.http.pagination import PageArgs
from backend.messages.schemas import MessageSchema

MAX_REASON = 1_000
STATUSES = ("open", "resolved", "dismissed")


class MessageReportBody(BodySchema):
    reason = Text(low=1, high=MAX_REASON, strip=True, required=True)


class ReportArgs(PageArgs):
    """Filters of the list of reports."""

    status = Text(validate=validate.OneOf(STATUSES))


class ReportSettlementBody(BodySchema):
    """The outcome of a report."""

    status = Text(required=True, validate=validate.OneOf(STATUSES[1:]))
    note = Text(high=MAX_REASON, strip=True, allow_none=True)


class MessageReportSchema(AnswerSchema):
    """A report, as its author sees it."""

    id = fields.Integer()
    message_id = fields.Integer()
    reason = fields.String(validate=validate.Length(max=MAX_REASON))
    status = fields.String(metadata={"enum": list(STATUSES)})
    created_at = fields.AwareDateTime()


class SettledMessageReportSchema(MessageReportSchema):
    """A report, as superusers see it."""

    reporter_id = fields.Integer(allow_none=True, metadata={"description": "Null if the account was erased."})
    note = fields.String(allow_none=True, validate=validate.Length(max=MAX_REASON))
    settled_by_id = fields.Integer(allow_none=True)
    settled_at = fields.AwareDateTime(allow_none=True)
    message = fields.Nested(MessageSchema, allow_none=True)
