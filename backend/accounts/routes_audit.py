"""`/api/audit`: the audit log, for superusers."""

from __future__ import annotations

from typing import Any

from backend.audit import log
from backend.audit.schemas import AuditArgs, AuditEventSchema
from backend.http.blueprint import Blueprint
from backend.http.pagination import paged
from backend.identity.guards import superuser
from backend.pagination import Page

bp = Blueprint("audit", __name__, url_prefix="/api/audit", description="Administrative and security events.")


@bp.get("")
@bp.response(200, AuditEventSchema(many=True))
@superuser
@paged
@bp.arguments(AuditArgs, location="query")
def list_audit_events(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """List the audit log

    All administrative and security events, newest first: who did what to whom, when and from where.
    """
    return log.list_events(**query)
