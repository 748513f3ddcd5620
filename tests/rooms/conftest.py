"""Fixtures of the tests of rooms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from backend.models import Room
from backend.models.base import db
from backend.rooms.changes import ban, end, find_membership, set_admin
from tests.auth.conftest import idle_apps, limited_app, make_limited  # noqa: F401 -- fixtures
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
    return recast(make, Cast({}, Client(make.app), superuser=superuser, **clients), **fields)


def recast(make: Factory, cast: Cast, **fields: Any) -> Cast:
    """A new room with the users of *cast* in their original roles, which they get in one transaction."""
    json = make.room(cast.owner, "the room", cast.admin, cast.member, cast.banned, cast.left, **fields)
    with make.app.app_context():
        room = db.session.get_one(Room, json["id"])
        admin, banned, left = (find_membership(room, user_id(each)) for each in (cast.admin, cast.banned, cast.left))
        assert admin
        assert left
        set_admin(room, admin, is_admin=True)
        ban(room, user_id(cast.banned), banned)
        end(left, by_self=True)
        db.session.commit()
    return replace(cast, room=json)


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
