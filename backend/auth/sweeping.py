"""Deleting what nobody needs any more: sessions that ended, and secrets that were used or are too old."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update

from backend.auth.sessions import max_age
from backend.bulk import batches_of_ids, delete_in_batches, execute_together
from backend.models import AccountToken, OtpCode, RefreshToken, RevokedToken, UserSession, WsTicket
from backend.models.base import utcnow

KEPT = timedelta(days=30)
"""Whoever comes that late with a refresh token of a session that ended is still told why."""

DEVICES_KEPT = timedelta(days=365)
"""How long the last session of a device is kept after it ended: a sign-in on the device is no news until then."""

SECRETS_KEPT = timedelta(days=1)
REVOKED_KEPT = timedelta(days=365)
"""How long a revoked API token is told from one that never was."""


def sweep() -> None:
    """End the sessions that are too old, and delete what nobody needs any more. Safe to repeat, and to run twice at once.

    The last session of each device is kept for a year, without its address, and the last one of each account for good: they tell
    whether a sign-in comes from a new device.
    """
    now = utcnow()
    _end_overdue(now)
    _forget_ended(now)
    _delete_ended(now)
    for model in (OtpCode, AccountToken, WsTicket):
        delete_in_batches(model, or_(model.expires_at < now - SECRETS_KEPT, model.used_at < now - SECRETS_KEPT))
    delete_in_batches(RevokedToken, RevokedToken.created_at < now - REVOKED_KEPT)


def _end_overdue(now: datetime) -> None:
    """End the sessions that began before SESSION_DAYS, or with more of them; their sockets close at the next tick."""
    is_overdue = (UserSession.created_at <= now - max_age(), UserSession.expires_at > now)
    for ids in batches_of_ids(select(UserSession.id).where(UserSession.is_active, *is_overdue)):
        execute_together(update(UserSession).where(UserSession.id.in_(ids)).values(expires_at=now))


def _ended_before(then: datetime) -> ColumnElement[bool]:
    return or_(UserSession.expires_at < then, and_(~UserSession.is_active, UserSession.updated_at < then))


def _forget_ended(now: datetime) -> None:
    """Delete the refresh tokens and the addresses of the sessions that ended a while ago."""
    has_tokens = exists().where(RefreshToken.session_id == UserSession.id)
    has_more = or_(UserSession.ip_address.is_not(None), has_tokens)
    for ids in batches_of_ids(select(UserSession.id).where(_ended_before(now - KEPT), has_more)):
        # When it ended is read from `updated_at`, so that stays.
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
