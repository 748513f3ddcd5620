"""Removal of the credentials of an account besides its password and sessions: its number, API tokens and second factor."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_

from backend.auth.api_tokens import revoke
from backend.events import publish_on_commit, revoked_event
from backend.models import ApiToken, RecoveryCode, TotpFactor, User
from backend.models.base import db


def revoke_tokens_and_mobile(user: User) -> dict[str, Any]:
    """Delete the API tokens and the number of *user*, a locked row, without a commit; the tokens' sockets close.

    Returns what was removed, for the audit trail.
    """
    had_mobile = user.mobile is not None
    user.mobile = user.mobile_verified_at = None
    count = revoke(ApiToken.user_id == user.id)
    publish_on_commit(revoked_event(user.id))  # the tokens' sockets must close although no session may have ended
    return {"api_tokens": count, "mobile": had_mobile}


def revoke_unproven(user: User, proven_at: datetime) -> dict[str, Any]:
    """Remove from *user*, a locked row, the credentials added before its address was proven at *proven_at*, without a commit.

    These are the number (unless it was verified later), API tokens and the second factor. Returns what was removed, for the
    audit trail.
    """
    had_mobile = user.mobile is not None and (user.mobile_verified_at is None or user.mobile_verified_at <= proven_at)
    if had_mobile:
        user.mobile = user.mobile_verified_at = None
    count = revoke(ApiToken.user_id == user.id, ApiToken.created_at <= proven_at)
    unproven = or_(TotpFactor.confirmed_at.is_(None), TotpFactor.confirmed_at <= proven_at)
    factor = db.session.scalar(
        delete(TotpFactor).where(TotpFactor.user_id == user.id, unproven).returning(TotpFactor.id)
    )
    if factor is not None:
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    publish_on_commit(revoked_event(user.id))
    return {"api_tokens": count, "mobile": had_mobile, "totp": factor is not None}
