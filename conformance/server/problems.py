"""Errors as the product answers them (docs/protocol.md, "Errors")."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

STATUSES = {
    "unauthorized": 401,
    "token_expired": 401,
    "token_revoked": 401,
    "token_reused": 401,
    "invalid_credentials": 401,
    "forbidden": 403,
    "not_a_member": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "idempotency_conflict": 409,
    "edit_conflict": 409,
    "message_deleted": 409,
    "malformed_json": 400,
    "validation_failed": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "unavailable": 503,
}


class Problem(Exception):
    """A refusal with one of the product's codes. `retry_after` is in seconds."""

    def __init__(self, code: str, detail: str = "", *, status: int | None = None, retry_after: int | None = None):
        super().__init__(code)
        self.code = code
        self.detail = detail or f"The scripted server answers {code}."
        self.status = status or STATUSES[code]
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """The body of an answer over HTTP (RFC 9457)."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": "scripted",
        }

    def headers(self) -> dict[str, str]:
        found = {"Content-Type": "application/problem+json"}
        if self.status == 401:
            found["WWW-Authenticate"] = "Bearer"
        if self.retry_after is not None:
            found["Retry-After"] = str(self.retry_after)
        return found

    def frame(self, id_: str | None) -> dict[str, Any]:
        """The `error` frame that answers the frame with this *id_*."""
        frame: dict[str, Any] = {"type": "error", "code": self.code, "detail": self.detail}
        if id_ is not None:
            frame["id"] = id_
        if self.retry_after is not None:
            frame["retry_after"] = self.retry_after
        return frame
