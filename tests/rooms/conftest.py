"""Fixtures of the tests of rooms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.auth.conftest import limited_app  # noqa: F401 -- a fixture
from tests.client import Client
from tests.factories import Factory


@dataclass
class Cast:
    """A room, and a client for every role in it."""

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
    """A new room with new users in every role."""
    clients = {role: make.client() for role in ("stranger", "banned", "left", "member", "admin", "owner")}
    superuser = make.client(make.user(is_superuser=True))
    return _in_a_room(make, Cast({}, Client(make.app), superuser=superuser, **clients), fields)


def recast(make: Factory, cast: Cast, **fields: Any) -> Cast:
    """A new room with the users of *cast* in their original roles."""
    return _in_a_room(make, cast, fields)


def _in_a_room(make: Factory, cast: Cast, fields: dict[str, Any]) -> Cast:
    owner, admin, banned, left = cast.owner, cast.admin, cast.banned, cast.left
    room = make.room(owner, "the room", admin, cast.member, banned, left, **fields)
    path = f"/api/rooms/{room['id']}"
    assert owner.patch(f"{path}/members/{user_id(admin)}", {"is_admin": True}).status_code == 200
    assert owner.patch(f"{path}/members/{user_id(banned)}", {"is_banned": True}).status_code == 200
    assert left.post(f"{path}/leave").status_code == 204
    return replace(cast, room=room)


def user_id(client: Client) -> int:
    """The id of the user of *client*."""
    number: int = client.user.id  # type: ignore[attr-defined]
    return number


@pytest.fixture
def public(make: Factory) -> Cast:
    """A public room with a client for every role."""
    return make_cast(make)


@pytest.fixture
def private(make: Factory) -> Cast:
    """A private room with a client for every role."""
    return make_cast(make, is_public=False)
