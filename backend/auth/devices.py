"""Device tokens: proof that somebody signed in to an account before, on the device that shows it ("device cookies" of OWASP).

A token is no credential: it opens nothing and is never needed. Tries of a password that come with one are counted for its
device, apart from everybody else's, so that strangers who use up an account's tries do not keep its owner out.
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
    """A token that names *device*, or a new one, as a device of this user. It is good until the password changes."""
    device = device or secrets.token_urlsafe(16)
    return f"{user_id}.{device}.{_mac(user_id, device, hashed_password)}"


def issue_for_user(user_id: int) -> str:
    """Like `issue_device_token`, for the password that the account has now."""
    with DbSession(read_engine(db.engine)) as session:
        hashed = session.scalar(select(User.hashed_password).where(User.id == user_id))
    return issue_device_token(user_id, hashed)


def recognise(token: str | None, user_id: int | None, hashed_password: str | None) -> str | None:
    """The device that *token* names, if this user signed in on it with the present password. Else None."""
    found = _TOKEN.fullmatch(token or "")
    if found is None or user_id is None or not hashed_password or int(found["user_id"]) != user_id:
        return None
    is_ours = hmac.compare_digest(found["mac"], _mac(user_id, found["device"], hashed_password))
    return found["device"] if is_ours else None


def _mac(user_id: int, device: str, hashed_password: str | None) -> str:
    """Bound to the password: who knew the old one may have gathered tokens, and with each ten more tries at the new one."""
    return keyed_hash("device", f"{user_id}:{device}:{hashed_password or ''}")
