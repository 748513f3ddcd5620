"""Device tokens: proof that a user has signed in on a device before (OWASP calls them device cookies).

A token is no credential: it grants no access and is never required. Password tries with a token are counted for its device,
separately from all others. So strangers who use up an account's tries do not lock its owner out.
"""

from __future__ import annotations

import hmac
import re
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session as DbSession

from backend.database import read_engine
from backend.models import User
from backend.models.base import db
from backend.security.encryption import keyed_hash

_TOKEN = re.compile(r"(?P<user_id>[1-9][0-9]{0,18})\.(?P<device>[A-Za-z0-9_-]{22})\.(?P<mac>[0-9a-f]{64})", re.ASCII)


def issue_device_token(user_id: int, hashed_password: str | None, device: str | None = None) -> str:
    """Return a token for *device*, or for a new device, of this user. It is valid until the password changes."""
    device = device or secrets.token_urlsafe(16)
    return f"{user_id}.{device}.{_mac(user_id, device, hashed_password)}"


def issue_for_user(user_id: int) -> str:
    """Like `issue_device_token`, for the account's present password."""
    with DbSession(read_engine(db.engine)) as session:
        hashed = session.scalar(select(User.hashed_password).where(User.id == user_id))
    return issue_device_token(user_id, hashed)


def recognise(token: str | None, user_id: int | None, hashed_password: str | None) -> str | None:
    """Return the device of *token* if this user signed in on it with the present password, else None."""
    found = _TOKEN.fullmatch(token or "")
    if found is None or user_id is None or not hashed_password or int(found["user_id"]) != user_id:
        return None
    is_ours = hmac.compare_digest(found["mac"], _mac(user_id, found["device"], hashed_password))
    return found["device"] if is_ours else None


def _mac(user_id: int, device: str, hashed_password: str | None) -> str:
    """Sign with the password hash too. Otherwise an intruder could collect tokens, and get ten more tries of the next password
    with each.
    """
    return keyed_hash("device", f"{user_id}:{device}:{hashed_password or ''}")
