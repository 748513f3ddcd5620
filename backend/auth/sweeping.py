"""Deletion of ended sessions, and of secrets that were used or have expired."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from backend.auth.sessions import max_age
from backend.bulk import batches_of_ids, delete_in_batches, execute_together
from backend.models import AccountToken, OtpCode, RefreshToken, RevokedToken, UserSession, WsTicket
from backend.models.base import utcnow

KEPT = timedelta(days=30)
"""How long the refresh tokens of an ended session are kept, so that their use is answered with the reason."""

DEVICES_KEPT = timedelta(days=365)
"""How long the last session of a device is kept after its end, so that a sign-in on the device is not reported as new."""

SECRETS_KEPT = timedelta(days=1)
REVOKED_KEPT = timedelta(days=365)
"""How long the use of a revoked API token is answered `token_revoked`, and not `unauthorized`."""


def sweep() -> None:
    """End the sessions that are too old, and delete expired data. Safe to repeat, and to run twice at once.

    The last session of each device is kept for a year, without its address, and the last one of each account for good: by them
    a sign-in from a new device is recognised.
    """
    now = utcnow()
    _end_overdue(now)
    _forget_ended(now)
    _delete_ended(now)
    for model in (OtpCode, AccountToken, WsTicket):
        delete_in_batches(model, or_(model.expires_at < now - SECRETS_KEPT, model.used_at < now - SECRETS_KEPT))
    delete_in_batches(RevokedToken, RevokedToken.created_at < now - REVOKED_KEPT)


def _end_overdue(now: datetime) -> None:
    """End the sessions that are older than SESSION_DAYS; their sockets close with the next check."""
    is_overdue = (UserSession.created_at <= now - max_age(), UserSession.expires_at > now)
    for ids in batches_of_ids(select(UserSession.id).where(UserSession.is_active, *is_overdue)):
        execute_together(update(UserSession).where(UserSession.id.in_(ids)).values(expires_at=now))


def _ended_before(then: datetime) -> ColumnElement[bool]:
    return or_(UserSession.expires_at < then, and_(~UserSession.is_active, UserSession.updated_at < then))


def _forget_ended(now: datetime) -> None:
    """Delete the refresh tokens and the addresses of sessions that ended long enough ago."""
    has_tokens = exists().where(RefreshToken.session_id == UserSession.id)
    has_more = or_(UserSession.ip_address.is_not(None), has_tokens)
    for ids in batches_of_ids(select(UserSession.id).where(_ended_before(now - KEPT), has_more)):
        # `updated_at` is the time of the end, so it must not change.
        values = {"ip_address": None, "updated_at": UserSession.updated_at}
        execute_together(
            delete(RefreshToken).where(RefreshToken.session_id.in_(ids)),
            update(UserSession).where(UserSession.id.in_(ids)).values(values),
        )


def _delete_ended(now: datetime) -> None:
    newest_first = UserSession.id.desc()
    of_device = func.row_number().over(
        partition_by=(UserSession.user_id, UserSession.device_info), order_by=newest_first
    )
    of_user = func.row_number().over(partition_by=UserSession.user_id, order_by=newest_first)
    ranked = select(
        UserSession.id,
        of_device.label("of_device"),
        of_user.label("of_user"),
        _ended_before(now - KEPT).label("has_ended"),
        _ended_before(now - DEVICES_KEPT).label("is_forgotten"),
    ).subquery()
    is_doubled, is_old = ranked.c.of_device > 1, and_(ranked.c.is_forgotten, ranked.c.of_user > 1)
    for ids in batches_of_ids(select(ranked.c.id).where(ranked.c.has_ended, or_(is_doubled, is_old))):
        execute_together(delete(UserSession).where(UserSession.id.in_(ids)))
