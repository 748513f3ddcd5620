"""Who is in a room changes while its sockets are open: at once, in order, without a reconnect."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from backend.models import User
from backend.models.base import db
from backend.rooms import membership, service
from tests.realtime.client import Api, LiveClient
from tests.realtime.conftest import Deployment

Change = Callable[[Api, Api, int], None]


def _leave(owner: Api, member: Api, room_id: int) -> None:
    member("POST", f"/api/rooms/{room_id}/leave", status=204)


def _remove(owner: Api, member: Api, room_id: int) -> None:
    owner("DELETE", f"/api/rooms/{room_id}/members/{member.id}", status=204)


def _ban(owner: Api, member: Api, room_id: int) -> None:
    owner("PATCH", f"/api/rooms/{room_id}/members/{member.id}", {"is_banned": True})


def of_room(client: LiveClient, room: dict[str, object]) -> list[dict[str, object]]:
    return [f for f in client.events if f.get("conversation_id") == room["conversation_id"]]


@pytest.mark.parametrize("how", ["join", "add"])
def test_who_joins_hears_everything_from_that_moment(deployment: Deployment, how: str) -> None:
    owner, joiner = deployment.user(), deployment.user()
    room = owner.room()
    owner.send("before", room_id=room["id"])
    with owner.live() as watcher, joiner.live() as one, joiner.live() as two:
        if how == "join":
            joiner("POST", f"/api/rooms/{room['id']}/join")
        else:
            owner("PUT", f"/api/rooms/{room['id']}/members/{joiner.id}")
        owner.send("after", room_id=room["id"])
        told = watcher.expect("member.joined")
        assert (told["user_id"], told["modseq"], told["is_admin"]) == (joiner.id, 3, False)
        for client in (one, two):
            created = client.expect("room.created")
            assert (created["room"]["id"], created["room"]["is_admin"]) == (room["id"], False)
            assert client.message("after", timeout=2)["modseq"] == 4
            types = [frame["type"] for frame in of_room(client, room) if frame["type"] != "presence"]
            assert types == ["room.created", "member.joined", "message.created"]


def test_a_member_who_becomes_admin_at_once_misses_nothing_between(deployment: Deployment) -> None:
    owner, joiner = deployment.user(), deployment.user()
    room = owner.room()
    with joiner.live() as client:
        joiner("POST", f"/api/rooms/{room['id']}/join")
        owner.send("between", room_id=room["id"])
        owner("PATCH", f"/api/rooms/{room['id']}/members/{joiner.id}", {"is_admin": True})
        updated = client.until(lambda f: f["type"].startswith("member.") and f["is_admin"], "an admin")
        assert updated["modseq"] == 4
        assert 3 in client.seen[room["conversation_id"]]


def test_the_maker_of_a_room_follows_it(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live() as client:
        room = user.room()
        assert client.expect("room.created")["room"]["owner_id"] == user.id
        assert client.expect("member.joined")["modseq"] == 1
        client.send("hello", room_id=room["id"])
        assert client.message("hello")["modseq"] == 2


@pytest.mark.parametrize("change", [_leave, _remove, _ban])
def test_who_goes_hears_of_it_last(deployment: Deployment, change: Change) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)
    with owner.live() as watcher, member.live() as one, member.live() as two:
        owner.send("before", room_id=room["id"])
        change(owner, member, room["id"])
        owner.send("after", room_id=room["id"])
        watcher.message("after")
        left = watcher.expect("member.left")
        for client in (one, two):
            assert client.expect("member.left") == left
            client.drain()
            assert of_room(client, room)[-1] == left
            assert [f["message"]["content"] for f in of_room(client, room) if "message" in f] == ["before"]
        assert one.call("send", content="x", room_id=room["id"])["code"] in ("not_a_member", "not_found", "banned")


def test_nothing_behind_the_removal_reaches_the_removed_under_load(deployment: Deployment) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)

    def speak() -> None:
        with owner.live() as speaker:
            for n in range(120):
                speaker.say("send", content=str(n), room_id=room["id"])
            speaker.call("ping")

    with member.live() as client, owner.live() as watcher:
        speaking = Thread(target=speak)
        speaking.start()
        watcher.message("10")
        _remove(owner, member, room["id"])
        speaking.join()
        left = client.expect("member.left")
        client.drain()
        assert of_room(client, room)[-1]["modseq"] == left["modseq"]
        modseqs = [frame["modseq"] for frame in of_room(client, room)]
        assert modseqs == list(range(modseqs[0], left["modseq"] + 1))
        watcher.message("119")


def test_who_comes_back_hears_again(deployment: Deployment) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)
    with member.live() as client:
        for n in range(5):
            _remove(owner, member, room["id"])
            owner.send(f"unheard {n}", room_id=room["id"])
            owner("PUT", f"/api/rooms/{room['id']}/members/{member.id}")
            owner.send(f"heard {n}", room_id=room["id"])
            client.message(f"heard {n}", timeout=3)


def test_a_room_changes_and_ends(deployment: Deployment) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)
    with owner.live() as one, member.live() as two:
        owner("PATCH", f"/api/rooms/{room['id']}", {"name": "new name"})
        for client in (one, two):
            updated = client.expect("room.updated")
            api = owner if client is one else member
            assert updated["room"]["name"] == "new name"
            assert updated["room"] == api("GET", f"/api/rooms/{room['id']}")
        owner("DELETE", f"/api/rooms/{room['id']}", status=204)
        for client in (one, two):
            assert client.expect("room.deleted")["room_id"] == room["id"]
            client.drain()
            assert of_room(client, room)[-1]["type"] == "room.deleted"
        assert one.call("send", content="x", room_id=room["id"])["code"] == "not_found"


def test_strangers_hear_nothing(deployment: Deployment) -> None:
    owner, stranger = deployment.user(), deployment.user()
    room = owner.room()
    with owner.live() as client, stranger.live() as apart:
        client.send("secret", room_id=room["id"])
        client.send("note to self", recipient_id=owner.id)
        client.send("to all")
        apart.message("to all")
        assert [f["message"]["content"] for f in apart.events if "message" in f] == ["to all"]


def unheard(deployment: Deployment, act: Callable[..., Any], user: Api, *args: Any) -> None:
    """Do something of which no hint tells any worker."""
    with deployment.app.app_context():
        act(db.session.get(User, user.id), *args)


def test_what_no_hint_told_is_found_in_the_database(deployment: Deployment) -> None:
    owner, member, joiner = deployment.user(), deployment.user(), deployment.user()
    room = owner.room(member)
    with owner.live() as watcher, member.live() as removed, joiner.live() as newcomer:
        unheard(deployment, membership.join_room, joiner, room["id"])
        assert newcomer.expect("room.created", timeout=2)["room"]["id"] == room["id"]
        joined = newcomer.expect("member.joined", timeout=2)
        assert watcher.expect("member.joined", timeout=2) == joined
        newcomer.expect("presence", timeout=2, user_id=owner.id)
        watcher.expect("presence", timeout=2, user_id=joiner.id)
        unheard(deployment, service.update_room, owner, room["id"], {"name": "unheard"})
        for client in (watcher, removed, newcomer):
            assert client.expect("room.updated", timeout=2)["room"]["name"] == "unheard"
        unheard(deployment, membership.remove_member, owner, room["id"], member.id)
        left = removed.expect("member.left", timeout=2)
        owner.send("after", room_id=room["id"])
        newcomer.message("after")
        removed.drain()
        assert of_room(removed, room)[-1] == left
        unheard(deployment, service.delete_room, owner, room["id"])
        for client in (watcher, newcomer):
            client.expect("room.deleted", timeout=2)


def test_a_ban_of_who_is_not_in_the_room_is_told_to_nobody(deployment: Deployment) -> None:
    owner, member, stranger = deployment.user(), deployment.user(), deployment.user()
    room = owner.room(member)
    path = f"/api/rooms/{room['id']}/members/{stranger.id}"
    with member.live() as client:
        for is_banned in (True, False, True):
            owner("PATCH", path, {"is_banned": is_banned})
        owner.send("after", room_id=room["id"])
        assert client.message("after")["modseq"] == 3
        assert [f["type"] for f in of_room(client, room) if f["type"] != "presence"] == ["message.created"]
        [page] = client.resume({room["conversation_id"]: 0})
        (row,) = [row for row in page["conversations"] if row["id"] == room["conversation_id"]]
        assert {told["user_id"] for told in row["members"]} == {owner.id, member.id}
