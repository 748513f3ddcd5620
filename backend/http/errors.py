"""Every error as `application/problem+json` (RFC 9457), also those that Flask, werkzeug and SQLAlchemy raise."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException

from backend.database import UNAVAILABLE, is_unavailable
from backend.errors import ChatError, Unavailable
from backend.http.json import encode

log = logging.getLogger("confab.errors")

CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    412: "precondition_failed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    429: "rate_limited",
}
DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not allow the method. The Allow header lists the methods that it allows.",
    412: "The file is not the one that If-Match names.",
    413: "The body is too large.",
    416: "Range asks for bytes that the file does not have. Content-Range tells its size.",
    429: "Too many requests. Wait as many seconds as Retry-After says.",
}


def problem(
    status: int, code: str, detail: str, errors: dict[str, list[str]] | None = None, headers: Any = None
) -> Response:
    """A problem+json response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    body["request_id"] = g.get("request_id")
    return Response(encode(body), status, headers, mimetype="application/problem+json")


def init_app(app: Flask) -> None:
    """Register the error handlers. `backend.http.openapi` registers the one of HTTPException."""
    app.register_error_handler(ChatError, chat_error)
    app.register_error_handler(Exception, _unexpected)
    for kind in UNAVAILABLE:
        app.register_error_handler(kind, _database_error)


def chat_error(error: ChatError) -> Response:
    """The answer to an error of ours."""
    return problem(error.status, error.code, error.detail, error.errors, error.headers)


def http_exception(error: HTTPException) -> Response:
    """The response to an error of werkzeug or Flask."""
    status = error.code or 500
    kept = [(k, v) for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")]
    code = CODES.get(status, "bad_request" if status < 500 else "internal_error")
    return problem(status, code, DETAILS.get(status, f"{error.name}."), headers=kept)


def _database_error(error: exc.SQLAlchemyError) -> Response:
    if not is_unavailable(error):
        return _unexpected(error)
    log.warning("the database is unavailable: %s", type(error).__name__, extra={"data": {"reason": str(error)[:300]}})
    return chat_error(Unavailable())


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(500, ChatError.code, ChatError.detail)
