"""`/api/auth` and `/token`."""

from __future__ import annotations

from typing import Any

from flask import request

from backend.auth import devices, service, sessions
from backend.auth.oauth import as_oauth_errors, check_form
from backend.auth.refusals import log_refused_sign_in
from backend.auth.schemas import (
    LoginBody,
    OAuthErrorSchema,
    SocketTicketSchema,
    TokenAnswerSchema,
    TokenForm,
    TokenRefreshBody,
    UserSessionSchema,
)
from backend.auth.sessions import Device
from backend.auth.throttle import count_totp, recognised_device, remember_device, totp_key, verify_password
from backend.http.blueprint import Blueprint
from backend.http.fields import as_line
from backend.http.pagination import PageArgs, paged
from backend.http.rate_limits import limited
from backend.identity import tickets
from backend.identity.guards import current_identity, login_required, own_answer, session_required
from backend.pagination import Page
from backend.rate_limiting.limits import RateLimit
from backend.request_context import address

bp = Blueprint("auth", __name__, url_prefix="/api/auth", description="Accounts and sessions")
token_bp = Blueprint("token", __name__, description="Accounts and sessions")

LOGIN = RateLimit("login", "60 per minute")
REFRESH = RateLimit("refresh", "600 per minute")


@bp.post("/login")
@bp.response(200, TokenAnswerSchema)
@bp.alt_response(401, "UNAUTHORIZED")
@limited(LOGIN)
@bp.arguments(LoginBody)
def login(body: dict[str, Any]) -> Any:
    """Sign in with email or username, and password

    The answer has the header `X-Device-Token` and a cookie. With either, the next sign-in counts its tries for this device, and
    not for the account, whose tries strangers may have used up. It is no credential and never required.
    """
    name = body.get("email") or body.get("username") or ""
    account = service.find_account(email=body.get("email"), username=body.get("username"))
    return _sign_in(account, name, body["password"], device(body.get("device_info")), body.get("totp_code"))


@token_bp.post("/token")
@token_bp.response(200, TokenAnswerSchema)
@token_bp.alt_response(400, schema=OAuthErrorSchema, description="The grant is refused (RFC 6749, section 5.2).")
@limited(LOGIN)
@as_oauth_errors
@token_bp.arguments(TokenForm, location="form")
def token(form: dict[str, Any]) -> Any:
    """Sign in with a form: the password grant of OAuth 2 (RFC 6749, section 4.3)."""
    name, password = check_form(form)
    account = service.find_account(email=name if "@" in name else None, username=name)
    return _sign_in(account, name, password, device(), form.get("totp_code"))


@bp.post("/refresh")
@bp.response(200, TokenAnswerSchema)
@bp.alt_response(401, "UNAUTHORIZED")
@limited(REFRESH)
@bp.arguments(TokenRefreshBody)
def refresh(body: dict[str, Any]) -> Any:
    """Exchange a refresh token for a new pair. Each can be used once; a second use after 10 seconds ends the session."""
    return sessions.refresh(body["refresh_token"])


@bp.post("/logout")
@bp.response(204)
@session_required
def logout() -> None:
    """End this session at once."""
    sessions.logout(current_identity)


@bp.get("/sessions")
@bp.response(200, UserSessionSchema(many=True))
@login_required
@paged
@bp.arguments(PageArgs, location="query")
def list_sessions(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List the caller's live sessions, the newest first."""
    return sessions.list_sessions(current_identity, args["page_request"])


@bp.delete("/sessions/<id:session_id>")
@bp.response(204)
@session_required
def end_session(session_id: int) -> None:
    """End one of the caller's sessions."""
    sessions.end_session(current_identity, session_id)


@bp.delete("/sessions")
@bp.response(204)
@session_required
def end_other_sessions() -> None:
    """End all of the caller's sessions except this one."""
    sessions.end_other_sessions(current_identity)


@bp.post("/ws-ticket")
@bp.response(201, SocketTicketSchema)
@login_required
@own_answer
def create_ticket() -> dict[str, Any]:
    """Create a ticket for a socket.

    It can be used once within 30 seconds, as `token` of a socket. Thus no longer-lived token is in a URL.
    """
    return tickets.create_ticket(current_identity)


def _sign_in(account: service.Account, name: str, password: str, of: Device, totp_code: str | None) -> dict[str, Any]:
    with log_refused_sign_in("password", lambda: account.user_id):
        verify_password(account, name, password)
        if totp_code is not None:
            count_totp(totp_key(account))
        answer = service.login(account, of, totp_code)
    user_id: int = answer["user"]["id"]
    remember_device(devices.issue_device_token(user_id, account.hashed_password, recognised_device(account)))
    return answer


def device(info: str | None = None) -> Device:
    """Return the device of this request. Without *info* its name is the User-Agent."""
    named = info or as_line(request.headers.get("User-Agent", ""))[:255]
    return Device(named or None, address())
