"""The form and the errors of `/token`, as RFC 6749 defines them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g

from backend.errors import ChatError, InvalidCredentials, ValidationFailed
from backend.http.json import encode
from backend.identity.errors import InvalidTotp, TotpRequired

PASSWORD_GRANT = "password"


class InvalidRequest(ChatError):
    status, code = 400, "invalid_request"
    detail = "Send username and password as form fields."


class UnsupportedGrantType(ChatError):
    status, code = 400, "unsupported_grant_type"
    detail = "The only supported grant_type is password."


def check_form(form: dict[str, Any]) -> tuple[str, str]:
    """Return the name and the password in *form*. Raises UnsupportedGrantType or InvalidRequest."""
    if form.get("grant_type", PASSWORD_GRANT) != PASSWORD_GRANT:
        raise UnsupportedGrantType
    if not form.get("username") or not form.get("password"):
        raise InvalidRequest
    return form["username"], form["password"]


def as_oauth_errors(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a refused grant as section 5.2 of RFC 6749 says: 400 and `{"error": ...}`."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except InvalidCredentials as error:
            return _refusal("invalid_grant", error.detail)
        except (TotpRequired, InvalidTotp) as error:
            return _refusal("invalid_grant", error.detail, error.code)
        except ValidationFailed as error:
            return _refusal("invalid_request", error.detail)
        except (InvalidRequest, UnsupportedGrantType) as error:
            return _refusal(error.code, error.detail)

    return answer


def _refusal(error: str, description: str, code: str | None = None) -> Response:
    body = {
        "error": error,
        "error_description": description,
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": description,
        "code": code or error,
        "request_id": g.get("request_id"),
    }
    return Response(encode(body), 400, mimetype="application/json")
