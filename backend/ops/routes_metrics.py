"""`/metrics`, and the metrics of requests."""

from __future__ import annotations

import hmac
import time
from functools import partial
from typing import Any

from flask import Flask, Response, current_app, g, request

from backend.errors import NotFound, Unauthorized
from backend.http.blueprint import Blueprint
from backend.identity.guards import bearer_token
from backend.state import Metrics, confab_state

bp = Blueprint("metrics", __name__, url_prefix="/metrics", description="Metrics for Prometheus.")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def init_app(app: Flask) -> None:
    """Count requests if METRICS_TOKEN is set."""
    metrics = confab_state(app).metrics
    if metrics is not None:
        app.after_request(partial(_observe, metrics))


@bp.get("")
@bp.response(200, {"type": "string"}, content_type="text/plain")
@bp.alt_response(401, "UNAUTHORIZED")
@bp.alt_response(404, "NOT_FOUND")
@bp.doc(security=[{"metrics": []}])
def get_metrics() -> Any:
    """Get the metrics for Prometheus

    With METRICS_TOKEN as the bearer token; no other token is accepted. 404 if METRICS_TOKEN is not set.
    """
    metrics = confab_state().metrics
    if metrics is None:
        raise NotFound("There is nothing at this address.")
    token: str = current_app.config["CONFAB"].metrics_token
    if not hmac.compare_digest(bearer_token().encode("utf-8", "surrogatepass"), token.encode()):
        raise Unauthorized
    return Response(metrics.text(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _observe(metrics: Metrics, response: Response) -> Response:
    # The route's template, not the path: a label for each id would fill the memory of Prometheus.
    route = request.url_rule.rule if request.url_rule is not None else "unknown"
    method = request.method if request.method in METHODS else "OTHER"
    status = request.environ.get("confab.status", response.status_code)
    metrics.observe(method, route, status, time.perf_counter() - g.get("started_at", time.perf_counter()))
    return response
