"""`/metrics`, and the counting of requests."""

from __future__ import annotations

import hmac
import time
from typing import Any

from flask import Flask, Response, current_app, g, request

from backend.errors import NotFound, Unauthorized
from backend.http.blueprint import Blueprint
from backend.identity.guards import bearer_token
from backend.ops.metrics import Metrics

bp = Blueprint("metrics", __name__, url_prefix="/metrics", description="Whether Confab is alive, ready and sound.")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def init_app(app: Flask) -> None:
    """Begin to count, where METRICS_TOKEN is set."""
    if app.config["CONFAB"].metrics_token is not None:
        app.extensions["confab-metrics"] = Metrics(app)
        app.after_request(_observe)


@bp.get("")
@bp.response(200, {"type": "string"}, content_type="text/plain")
@bp.alt_response(401, "UNAUTHORIZED")
@bp.alt_response(404, "NOT_FOUND")
@bp.doc(security=[{"metrics": []}])
def get_metrics() -> Any:
    """Get the numbers for Prometheus

    With METRICS_TOKEN as bearer token, and no other; 404 where none is set.
    """
    metrics: Metrics | None = current_app.extensions.get("confab-metrics")
    if metrics is None:
        raise NotFound("There is nothing at this address.")
    token: str = current_app.config["CONFAB"].metrics_token
    if not hmac.compare_digest(bearer_token().encode("utf-8", "surrogatepass"), token.encode()):
        raise Unauthorized
    return Response(metrics.text(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _observe(response: Response) -> Response:
    metrics: Metrics = current_app.extensions["confab-metrics"]
    # The template and never the path: a label for every id would fill the memory of whoever gathers them.
    route = request.url_rule.rule if request.url_rule is not None else "unknown"
    method = request.method if request.method in METHODS else "OTHER"
    status = request.environ.get("confab.status", response.status_code)
    metrics.observe(method, route, status, time.perf_counter() - g.get("started_at", time.perf_counter()))
    return response
