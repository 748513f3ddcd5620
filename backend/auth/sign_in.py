"""The last steps of every sign-in: the second factor, the mail about a new device, the session."""

from __future__ import annotations

import re

from sqlalchemy import select

from backend.auth import mails
from backend.auth.sessions import Device, Grant, start_session
from backend.auth.totp import check_second_factor
from backend.models import User, UserSession
from backend.models.base import db


def complete_sign_in(user: User, device: Device, totp_code: str | None, by: str) -> Grant:
    """Start a session of an authenticated user, in the current transaction. *by* is the method of authentication.

    Raises TotpRequired and InvalidTotp.
    """
    check_second_factor(user.id, totp_code)
    if _is_new(user.id, device):
        mails.notify(user, "new_device", device=device.info, address=device.address)
    return start_session(user, device, by)


def _is_new(user_id: int, device: Device) -> bool:
    """Return True if the account was used before, but never on a device of this name. Version numbers in the name are ignored."""
    known = db.session.scalars(select(UserSession.device_info).where(UserSession.user_id == user_id).distinct()).all()
    return bool(known) and _without_versions(device.info) not in {_without_versions(name) for name in known}


def _without_versions(name: str | None) -> str:
    return re.sub(r"[\d._]+", "", name or "").casefold()
