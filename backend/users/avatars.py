"""Avatars. An uploaded image is encoded anew. The URL of an avatar changes with every new one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from backend.errors import ChatError, NotFound
from backend.models import User
from backend.models.base import db
from backend.storage import storage
from backend.storage.images import square
from backend.users.access import get_user_for, lock_self
from backend.users.serialise import avatar_version, user_json

SIDE = 512
CONTENT_TYPE = "image/webp"


@dataclass(frozen=True)
class Picture:
    """An avatar as it is stored. `version` differs for each avatar that a user has had."""

    data: bytes
    version: str


def set_avatar(user: User, source: BinaryIO) -> dict[str, Any]:
    """Make the image in *source* the avatar of *user*. Raises NoImage, ValidationFailed, Busy and StorageAway."""
    key = f"avatars/{user.id}/{secrets.token_urlsafe(12)}.webp"
    picture = square(source, SIDE, str(user.id))
    storage().write(key, BytesIO(picture))
    try:
        answer, former = _replace(user, key)
    except BaseException:
        db.session.rollback()
        _discard(key)
        raise
    _discard(former)
    return answer


def delete_avatar(user: User) -> None:
    """Remove the avatar of *user*, if there is one."""
    _, former = _replace(user, None)
    _discard(former)


def get_avatar(viewer: User, user_id: int) -> Picture:
    """The avatar of a user. Raises NotFound if the avatar does not exist, or *viewer* may not see the user."""
    user = get_user_for(viewer, user_id)
    key, version = user.avatar, avatar_version(user)
    db.session.commit()  # returns the connection to the pool: the disk may be slow
    if key is None or version is None:
        raise NotFound
    return Picture(b"".join(storage().read(key)), version)


def avatar_key(user: User) -> str | None:
    """The storage key of the avatar of *user*; None if there is none."""
    return user.avatar if avatar_version(user) is not None else None


def _replace(user: User, key: str | None) -> tuple[dict[str, Any], str | None]:
    own = lock_self(user)
    former = avatar_key(own)
    own.avatar = key
    db.session.flush()
    answer = user_json(own, user)
    db.session.commit()
    return answer, former


def _discard(key: str | None) -> None:
    """Delete a file that nothing refers to. If that fails, the file stays; no error is raised."""
    if key is not None:
        try:
            storage().delete(key)
        except ChatError:
            return
