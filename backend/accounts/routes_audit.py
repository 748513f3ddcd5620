"""`/api/audit`: the audit trail, for superusers."""

from __future__ import annotations

from typing import Any

from backend.audit import log
from backend.audit.schemas import AuditArgs, AuditEventSchema
from backend.http.blueprint import Blueprint
from backend.http.pagination import paged
from backend.identity.guards import superuser
from backend.pagination import Page

bp = Blueprint("audit", __name__, url_prefix="/api/audit", description="What administrators and security rules did.")


@bp.get("")
@bp.response(200, AuditEventSchema(many=True))
@superuser
@paged
@bp.arguments(AuditArgs, location="query")
def list_audit_events(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """List the audit trail

    Every administrative and security event, newest first: who, what, to whom, when and from where.
    """
    return log.list_events(**query)
