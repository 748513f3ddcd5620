"""The errors that clients get. Services raise them; `backend.http.errors` turns them into problem+json (RFC 9457).

Each class has the HTTP status, the `code` that clients branch on, and a sentence for people. This module imports no other of
Confab.
"""

from __future__ import annotations

from typing import ClassVar


class ChatError(Exception):
    """Base of all errors that clients get. `errors` has the messages for each invalid field, if there are any."""

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
    """The request breaks the rules of HTTP."""

    status, code = 400, "bad_request"
    detail = "This is not a valid HTTP request."


class MalformedJson(ChatError):
    status, code = 400, "malformed_json"
    detail = "The body is not valid JSON."


class Unauthorized(ChatError):
    """Credentials are missing or invalid. RFC 6750 requires the challenge in the response."""

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
    detail = "You do not have permission to do this."


class InsufficientScope(Forbidden):
    code = "insufficient_scope"
    detail = "This token's scopes do not allow the request."


class NotFound(ChatError):
    """Something does not exist, or is hidden from the caller. The response is the same for both."""

    status, code = 404, "not_found"
    detail = "This does not exist, or you do not have access to it."


class RequestTimeout(ChatError):
    status, code = 408, "request_timeout"
    detail = "The body did not arrive in time. Send the request again."


class Conflict(ChatError):
    status, code = 409, "conflict"
    detail = "The current state does not allow this. Load it again, then decide what to do."


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
        """The error of a single field."""
        return cls(errors={field: [message]})


class RateLimited(ChatError):
    status, code = 429, "rate_limited"
    detail = "Too many requests. Wait as many seconds as Retry-After says."


class InsufficientStorage(ChatError):
    """A disk is full. Nothing was stored."""

    status, code = 507, "insufficient_storage"
    detail = "The server has no room for more files. Nothing was stored. Tell its administrator, and try again later."


class Unavailable(ChatError):
    """The database, or another service, does not answer in time. Nothing was acknowledged, so the request may be repeated."""

    status, code = 503, "unavailable"
    detail = "The database does not answer. Try again shortly."

    def __init__(self, detail: str | None = None):
        super().__init__(detail, headers={"Retry-After": "2"})
