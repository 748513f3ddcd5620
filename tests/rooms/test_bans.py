"""Visibility of bans: only the banned user and admins learn of one. For others it looks like a departure."""

from __future__ import annotations

from typing import Any

from tests.client import Client
from tests.factories import Factory
from tests.rooms.conftest import Cast, user_id


def synced(client: Client, room: dict[str, Any], since: int = 0) -> dict[str, Any]:
    """The room in *client*'s /sync, without the profiles, because they contain `last_seen_at`."""
    name = room["conversation_id"]
    rows = client.post("/api/chat/sync", {"conversations": {name: since}}).json["conversations"]
    (found,) = [row for row in rows if row["id"] == name]
    for member in found["members"]:
        del member["user"]
    return found


def set_ban(cast: Cast, client: Client, is_banned: bool) -> None:
    answer = cast.admin.patch(f"{cast.path}/members/{user_id(client)}", {"is_banned": is_banned})
    assert (answer.status_code, answer.json["is_banned"]) == (200, is_banned)


def test_a_ban_of_a_non_member_is_not_published(public: Cast) -> None:
    before = synced(public.member, public.room)
    for is_banned in (True, False, True):
        for client in (public.stranger, public.left, public.banned):
            set_ban(public, client, is_banned)
    assert synced(public.member, public.room) == before
    assert synced(public.member, public.room, before["last_modseq"])["members"] == []
    assert user_id(public.stranger) not in {member["user_id"] for member in before["members"]}


def test_bans_removals_and_departures_look_the_same(make: Factory, public: Cast) -> None:
    clients = [make.client() for _ in range(3)]
    for client in clients:
        assert client.post(f"{public.path}/join").status_code == 200
    banned, removed, left = clients
    set_ban(public, banned, True)
    assert public.admin.delete(f"{public.path}/members/{user_id(removed)}").status_code == 204
    assert left.post(f"{public.path}/leave").status_code == 204
    for viewer in (public.member, public.admin):
        told = {member["user_id"]: member for member in synced(viewer, public.room)["members"]}
        ended = [told[user_id(client)] for client in clients]
        assert {frozenset(member) for member in ended} == {
            frozenset(("user_id", "room_id", "modseq", "is_admin", "joined_at", "left_at"))
        }
        assert all(member["left_at"] and not member["is_admin"] for member in ended)
    assert public.member.get(f"{public.path}/members?banned=true").status_code == 403
    listed = public.admin.get(f"{public.path}/members?banned=true").json
    assert {member["user"]["id"] for member in listed} == {user_id(banned), user_id(public.banned)}
