"""Health, for load balancers, orchestrators and operators. It has no rate limit: a refused probe looks like a failure."""

from __future__ import annotations

from typing import Any

from backend.http.blueprint import Blueprint
from backend.identity.guards import superuser_or_scope
from backend.ops import service
from backend.ops.schemas import HealthSchema, LivenessSchema, ReadinessSchema

bp = Blueprint("service", __name__, url_prefix="/api/health", description="Whether Confab is alive and ready.")

# Errors of other operations that these never return: they have no rate limit, and the first uses no database.
UNLIMITED = {"x-never": [429]}
UNFAILING = {"x-never": [429, 503]}


@bp.get("")
@bp.response(200, LivenessSchema)
@bp.doc(**UNFAILING)
def check_alive() -> dict[str, Any]:
    """Check that it is alive

    This process answers. Uses no database.
    """
    return service.check_alive()


@bp.get("/ready")
@bp.response(200, ReadinessSchema)
@bp.doc(**UNLIMITED)
def check_ready() -> dict[str, Any]:
    """Check that it can serve

    The database is available and at the revision that the code needs. Otherwise 503, and `errors` names what is missing. While
    the bus is away alone, `degraded` names it: events of other workers arrive up to a second late.
    """
    return service.check_ready()


@bp.get("/detailed")
@bp.response(200, HealthSchema)
@bp.doc(**UNLIMITED)
@superuser_or_scope("health")
def describe_health() -> dict[str, Any]:
    """Describe its health

    Each part with its latency, the schema and its drift, version and uptime. For superusers, and
    for API tokens with the scope `health`.
    """
    return service.describe_health()
