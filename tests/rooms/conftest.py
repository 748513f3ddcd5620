"""What tests of rooms share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.client import Client
from tests.factories import Factory


@dataclass
class Cast:
    """A room and a client for every part that somebody can play in it."""

    room: dict[str, Any]
    anonymous: Client
    stranger: Client
    banned: Client
    left: Client
    member: Client
    admin: Client
    owner: Client
    superuser: Client

    @property
    def path(self) -> str:
        return f"/api/rooms/{self.room['id']}"


def make_cast(make: Factory, **fields: Any) -> Cast:
    """A new room with its cast."""
    owner, admin, member, banned, left = (make.client() for _ in range(5))
    room = make.room(owner, "the room", admin, member, banned, left, **fields)
    path = f"/api/rooms/{room['id']}"
    assert owner.patch(f"{path}/members/{user_id(admin)}", {"is_admin": True}).status_code == 200
    assert owner.patch(f"{path}/members/{user_id(banned)}", {"is_banned": True}).status_code == 200
    assert left.post(f"{path}/leave").status_code == 204
    superuser = make.client(make.user(is_superuser=True))
    return Cast(room, Client(make.app), make.client(), banned, left, member, admin, owner, superuser)


def user_id(client: Client) -> int:
    """Who *client* is signed in as."""
    number: int = client.user.id  # type: ignore[attr-defined]
    return number


@pytest.fixture
def public(make: Factory) -> Cast:
    """A public room and its cast."""
    return make_cast(make)


@pytest.fixture
def private(make: Factory) -> Cast:
    """A private room and its cast."""
    return make_cast(make, is_public=False)
