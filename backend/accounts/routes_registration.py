"""`/api/auth/register`."""

from __future__ import annotations

from typing import Any

from backend.accounts import registration
from backend.auth import devices
from backend.auth.routes import bp, device
from backend.auth.schemas import RegisterBody, TokenAnswerSchema
from backend.auth.throttle import remember_device
from backend.http.rate_limits import limited
from backend.rate_limiting.limits import RateLimit

REGISTER = RateLimit("register", "20 per hour")


@bp.post("/register")
@bp.response(201, TokenAnswerSchema)
@bp.alt_response(403, "FORBIDDEN")
@bp.alt_response(404, "NOT_FOUND")
@limited(REGISTER)
@bp.arguments(RegisterBody)
def register(body: dict[str, Any]) -> Any:
    """Create an account and sign in to it

    With the code of an invite the new user joins its room; a code that is not valid is 404, and there is no account then. With
    REGISTRATION=invite a code is required, and with REGISTRATION=closed nobody can register (403 `registration_closed`).
    """
    answer = registration.register(**body, device=device())
    remember_device(devices.issue_for_user(answer["user"]["id"]))
    return answer
