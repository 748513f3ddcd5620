"""Members join and leave while their sockets are open: the sockets follow at once, in order, without a reconnect."""

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
def test_a_user_who_joins_receives_every_event_from_then_on(deployment: Deployment, how: str) -> None:
    owner, joiner = deployment.user(), deployment.user()
    room = owner.room()
    owner.send("before", room_id=room["id"])
    with owner.live() as watcher, joiner.live() as one, joiner.live() as two:
        if how == "join":
            joiner("POST", f"/api/rooms/{room['id']}/join")
        else:
            owner("PUT", f"/api/rooms/{room['id']}/members/{joiner.id}")
        owner.send("after", room_id=room["id"])
        event = watcher.expect("member.joined")
        assert (event["user_id"], event["modseq"], event["is_admin"]) == (joiner.id, 3, False)
        for client in (one, two):
            created = client.expect("room.created")
            assert (created["room"]["id"], created["room"]["is_admin"]) == (room["id"], False)
            assert client.expect_message("after")["modseq"] == 4
            types = [frame["type"] for frame in of_room(client, room) if frame["type"] != "presence"]
            assert types == ["room.created", "member.joined", "message.created"]


def test_a_member_who_becomes_admin_right_after_joining_misses_no_event(deployment: Deployment) -> None:
    owner, joiner = deployment.user(), deployment.user()
    room = owner.room()
    with joiner.live() as client:
        joiner("POST", f"/api/rooms/{room['id']}/join")
        owner.send("between", room_id=room["id"])
        owner("PATCH", f"/api/rooms/{room['id']}/members/{joiner.id}", {"is_admin": True})
        updated = client.expect_where(lambda f: f["type"].startswith("member.") and f["is_admin"], "an admin")
        assert updated["modseq"] == 4
        assert 3 in client.seen[room["conversation_id"]]


def test_the_creator_of_a_room_receives_its_events(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live() as client:
        room = user.room()
        assert client.expect("room.created")["room"]["owner_id"] == user.id
        assert client.expect("member.joined")["modseq"] == 1
        client.send("hello", room_id=room["id"])
        assert client.expect_message("hello")["modseq"] == 2


@pytest.mark.parametrize("change", [_leave, _remove, _ban])
def test_a_member_who_leaves_receives_member_left_last(deployment: Deployment, change: Change) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)
    watchers = deployment.on_each_worker(owner)
    with member.live() as one, member.live() as two:
        owner.send("before", room_id=room["id"])
        change(owner, member, room["id"])
        owner.send("after", room_id=room["id"])
        for watcher in watchers:  # each worker has sent it to whom it sends it
            watcher.expect_message("after")
        left = watchers[0].expect("member.left")
        for client in (one, two):
            assert client.expect("member.left") == left
            client.sync()
            assert of_room(client, room)[-1] == left
            assert [f["message"]["content"] for f in of_room(client, room) if "message" in f] == ["before"]
        assert one.call("send", content="x", room_id=room["id"])["code"] in ("not_a_member", "not_found", "banned")


def test_a_removed_user_receives_nothing_after_the_removal_under_load(deployment: Deployment) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)

    def send_messages() -> None:
        with owner.live() as sender:
            for n in range(120):
                sender.send_frame("send", content=str(n), room_id=room["id"])
            sender.call("ping")

    watchers = deployment.on_each_worker(owner)
    with member.live() as client:
        thread = Thread(target=send_messages)
        thread.start()
        watchers[0].expect_message("10")
        _remove(owner, member, room["id"])
        thread.join()
        for watcher in watchers:
            watcher.expect_message("119")
        left = client.expect("member.left")
        client.sync()
        assert of_room(client, room)[-1]["modseq"] == left["modseq"]
        modseqs = [frame["modseq"] for frame in of_room(client, room)]
        assert modseqs == list(range(modseqs[0], left["modseq"] + 1))


def test_a_user_who_rejoins_receives_events_again(deployment: Deployment) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)
    with member.live() as client:
        for n in range(5):
            _remove(owner, member, room["id"])
            owner.send(f"not a member {n}", room_id=room["id"])
            owner("PUT", f"/api/rooms/{room['id']}/members/{member.id}")
            owner.send(f"member {n}", room_id=room["id"])
            client.expect_message(f"member {n}")


def test_the_update_and_the_deletion_of_a_room_are_sent_to_its_members(deployment: Deployment) -> None:
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
            client.sync()
            assert of_room(client, room)[-1]["type"] == "room.deleted"
        assert one.call("send", content="x", room_id=room["id"])["code"] == "not_found"


def test_a_stranger_receives_only_messages_of_the_lobby(deployment: Deployment) -> None:
    owner, stranger = deployment.user(), deployment.user()
    room = owner.room()
    with owner.live() as client, stranger.live() as apart:
        client.send("secret", room_id=room["id"])
        client.send("note to self", recipient_id=owner.id)
        client.send("to all")
        apart.expect_message("to all")
        assert [f["message"]["content"] for f in apart.events if "message" in f] == ["to all"]


def call_unpublished(deployment: Deployment, service_function: Callable[..., Any], user: Api, *args: Any) -> None:
    """Call a service function in this process, so that the workers get no event."""
    with deployment.app.app_context():
        service_function(db.session.get(User, user.id), *args)


def test_unpublished_changes_are_found_in_the_database(deployment: Deployment) -> None:
    owner, member, joiner = deployment.user(), deployment.user(), deployment.user()
    room = owner.room(member)
    with owner.live() as watcher, member.live() as removed, joiner.live() as newcomer:
        call_unpublished(deployment, membership.join_room, joiner, room["id"])
        assert newcomer.expect("room.created")["room"]["id"] == room["id"]
        joined = newcomer.expect("member.joined")
        assert watcher.expect("member.joined") == joined
        newcomer.expect("presence", user_id=owner.id)
        watcher.expect("presence", user_id=joiner.id)
        call_unpublished(deployment, service.update_room, owner, room["id"], {"name": "unpublished"})
        for client in (watcher, removed, newcomer):
            assert client.expect("room.updated")["room"]["name"] == "unpublished"
        call_unpublished(deployment, membership.remove_member, owner, room["id"], member.id)
        left = removed.expect("member.left")
        others = deployment.on_each_worker(owner)
        owner.send("after", room_id=room["id"])
        for client in (*others, newcomer):
            client.expect_message("after")
        removed.sync()
        assert of_room(removed, room)[-1] == left
        call_unpublished(deployment, service.delete_room, owner, room["id"])
        for client in (watcher, newcomer):
            client.expect("room.deleted")


def test_a_ban_of_a_user_who_is_no_member_sends_no_event(deployment: Deployment) -> None:
    owner, member, stranger = deployment.user(), deployment.user(), deployment.user()
    room = owner.room(member)
    path = f"/api/rooms/{room['id']}/members/{stranger.id}"
    with member.live() as client:
        for is_banned in (True, False, True):
            owner("PATCH", path, {"is_banned": is_banned})
        owner.send("after", room_id=room["id"])
        assert client.expect_message("after")["modseq"] == 3
        assert [f["type"] for f in of_room(client, room) if f["type"] != "presence"] == ["message.created"]
        [page] = client.resume({room["conversation_id"]: 0})
        (row,) = [row for row in page["conversations"] if row["id"] == room["conversation_id"]]
        assert {member["user_id"] for member in row["members"]} == {owner.id, member.id}
