"""`/api/users/me`: the caller's own account."""

from __future__ import annotations

from typing import Any

from flask import Response, stream_with_context

from backend.accounts import erasure, export, profile
from backend.http.json import encode
from backend.http.rate_limits import PASSWORD, enforce
from backend.identity.guards import current_identity, current_user, fresh_session_required, large_answer, login_required
from backend.identity.identity import need_fresh
from backend.rate_limiting.limits import RateLimit
from backend.users.routes import bp
from backend.users.schemas import AccountErasureBody, AccountExportSchema, ExportArgs, ProfileChangesBody, UserSchema
from backend.users.serialise import user_json

EXPORT = RateLimit("export", "10 per hour")
NAMES_OF_LOGIN = ("email", "username")
EMAIL_CHANGE = RateLimit("email-change", "5 per hour")
"""Each sends mail to an address whose owner may not be a user of Confab."""


@bp.get("/me")
@bp.response(200, UserSchema)
@login_required
def get_me() -> dict[str, Any]:
    """The caller's own profile."""
    user = current_identity.user  # the proxy would take as long as the rest of the response
    return user_json(user, user)


@bp.patch("/me")
@bp.response(200, UserSchema)
@login_required
@bp.arguments(ProfileChangesBody)
def update_me(body: dict[str, Any]) -> dict[str, Any]:
    """Change your profile

    Fields that are left out stay. A new email or username needs a fresh session (403 `reauthentication_required`), which an
    API token never has. The email is unverified until the link in its mail is opened.
    """
    if current_identity.session_id is None and not body.keys().isdisjoint(NAMES_OF_LOGIN):
        need_fresh(
            current_identity
        )  # even for present values, or a token that may not read could find them out by trying
    email, password = body.pop("email", None), body.pop("password", None)
    if password is not None:
        need_fresh(current_identity)
        enforce(PASSWORD, str(current_user.id))
    if email not in (None, current_user.mail_address or current_user.email):
        need_fresh(current_identity)
        enforce(EMAIL_CHANGE, str(current_user.id))
    return profile.update_profile(current_identity, body, email, password)


@bp.delete("/me")
@bp.response(204)
@fresh_session_required
@bp.arguments(AccountErasureBody)
def erase_me(body: dict[str, Any]) -> None:
    """Erase your account

    Needs a fresh session (403 `reauthentication_required`), and the `password` or a fresh one-time
    `code` sent to the verified number. Your messages stay under a "deleted user". Everything else is deleted for good. Your
    rooms pass to the admin who has been a member for longest.
    """
    enforce(PASSWORD, str(current_user.id))
    erasure.erase_self(current_identity, **body)


@bp.get("/me/export")
@bp.response(200, AccountExportSchema)
@bp.response(200, {"type": "string", "format": "binary"}, content_type="application/zip")
@fresh_session_required
@large_answer
@bp.arguments(ExportArgs, location="query")
def export_me(query: dict[str, Any]) -> Any:
    """Get all of your data

    As one JSON document, or with `format=zip` as an archive of the same document (`export.json`) and your files. The response
    is streamed. Needs a fresh session (403 `reauthentication_required`).
    """
    enforce(EXPORT, str(current_user.id))
    kind = query["format"]
    begin = export.export_zip if kind == "zip" else export.export_json
    headers = {"Content-Disposition": f'attachment; filename="confab-export.{kind}"'}
    pieces = stream_with_context(begin(current_user, encode))
    return Response(pieces, headers=headers, mimetype=f"application/{kind}")
