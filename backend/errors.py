"""What can go wrong for a caller. A service raises these; `backend.http.errors` turns them into problem+json (RFC 9457).

Each class is one fact, with the `code` that clients branch on and the sentence that a person reads. Imports nothing of ours.
"""

from __future__ import annotations

from typing import ClassVar


class ChatError(Exception):
    """Base of everything that a caller is told. `errors` names the fields at fault, where there are any."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    detail = "Something went wrong on the server."

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
    ):
        self.detail = detail or self.detail
        self.errors = errors
        self.headers = headers or {}
        super().__init__(self.detail)


class BadRequest(ChatError):
    """What breaks the rules of HTTP itself."""

    status, code = 400, "bad_request"
    detail = "This is not a valid HTTP request."


class MalformedJson(ChatError):
    status, code = 400, "malformed_json"
    detail = "The body is not valid JSON."


class Unauthorized(ChatError):
    """No credentials, or bad ones. RFC 6750 wants the challenge in the answer."""

    status, code = 401, "unauthorized"
    detail = "Send a valid access token: Authorization: Bearer TOKEN."

    def __init__(self, detail: str | None = None):
        super().__init__(detail, headers={"WWW-Authenticate": self.challenge()})

    @classmethod
    def challenge(cls) -> str:
        return "Bearer" if cls.code == "unauthorized" else 'Bearer error="invalid_token"'


class TokenExpired(Unauthorized):
    code = "token_expired"
    detail = "The token has expired. Refresh it, or sign in again."


class TokenRevoked(Unauthorized):
    code = "token_revoked"
    detail = "The session of this token has ended. Sign in again."


class TokenReused(Unauthorized):
    code = "token_reused"
    detail = "This refresh token was used before, so its session was ended. Sign in again."


class InvalidCredentials(Unauthorized):
    code = "invalid_credentials"
    detail = "The account and password do not match."


class Forbidden(ChatError):
    status, code = 403, "forbidden"
    detail = "You can see this, but you may not do that to it."


class InsufficientScope(Forbidden):
    code = "insufficient_scope"
    detail = "This token's scopes do not allow the request."


class NotFound(ChatError):
    """Missing, or hidden from the caller: the two are never told apart."""

    status, code = 404, "not_found"
    detail = "There is no such thing, or you may not see it."


class RequestTimeout(ChatError):
    status, code = 408, "request_timeout"
    detail = "The body did not arrive in time. Send the request again."


class Conflict(ChatError):
    status, code = 409, "conflict"
    detail = "This cannot be done in the present state."


class PayloadTooLarge(ChatError):
    status, code = 413, "payload_too_large"
    detail = "The body is too large."


class UnsupportedMediaType(ChatError):
    status, code = 415, "unsupported_media_type"
    detail = "Send the body as Content-Type: application/json."


class ValidationFailed(ChatError):
    status, code = 422, "validation_failed"
    detail = "Some fields are not valid."

    @classmethod
    def of(cls, field: str, message: str) -> ValidationFailed:
        """The failure of a single field."""
        return cls(errors={field: [message]})


class RateLimited(ChatError):
    status, code = 429, "rate_limited"
    detail = "Too many requests. Wait as long as Retry-After says."


class Unavailable(ChatError):
    """The database does not answer in time. Nothing was acknowledged; the request is safe to repeat."""

    status, code = 503, "unavailable"
    detail = "The database does not answer. Try again shortly."

    def __init__(self, detail: str | None = None):
        super().__init__(detail, headers={"Retry-After": "2"})
