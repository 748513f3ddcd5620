"""Reports of messages over HTTP."""

from __future__ import annotations

from typing import Any

from backend.http.blueprint import Blueprint
from backend.http.pagination import paged
from backend.http.rate_limits import enforce
from backend.identity.guards import current_user, login_required, superuser
from backend.moderation import service
from backend.moderation.schemas import (
    MessageReportBody,
    MessageReportSchema,
    ReportArgs,
    ReportSettlementBody,
    SettledMessageReportSchema,
)
from backend.pagination import Page
from backend.rate_limiting.limits import RateLimit

bp = Blueprint("reports", __name__, url_prefix="/api", description="Reports of messages")

REPORT = RateLimit("report", "60 per hour")


@bp.post("/chat/messages/<id:message_id>/report")
@bp.response(201, MessageReportSchema)
@login_required
@bp.arguments(MessageReportBody)
def report_message(body: dict[str, Any], message_id: int) -> dict[str, Any]:
    """Report a message

    Superusers see the report. Reporting the same message again changes nothing.
    """
    enforce(REPORT, str(current_user.id))
    return service.report_message(current_user, message_id, body["reason"])


@bp.get("/reports")
@bp.response(200, SettledMessageReportSchema(many=True))
@superuser
@paged
@bp.arguments(ReportArgs, location="query")
def list_reports(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """List reports

    Newest first. Each has its message in its present state, from any conversation.
    """
    return service.list_reports(**query)


@bp.patch("/reports/<id:report_id>")
@bp.response(200, SettledMessageReportSchema)
@superuser
@bp.arguments(ReportSettlementBody)
def settle_report(body: dict[str, Any], report_id: int) -> dict[str, Any]:
    """Resolve or dismiss a report"""
    return service.settle_report(current_user, report_id, **body)
