"""What a blocked user receives about the user who blocked them: nothing that shows when that user is online."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.realtime.client import Api
from tests.realtime.conftest import Deployment
from tests.realtime.sending import presence_events, wait_until_presence_is_sent

BLOCKS = "/api/users/me/blocks"


def block(user: Api, other: Api) -> None:
    user("PUT", f"{BLOCKS}/{other.id}", status=204)


def unblock(user: Api, other: Api) -> None:
    user("DELETE", f"{BLOCKS}/{other.id}", status=204)


@pytest.mark.parametrize("where", ["room", "direct"])
def test_a_blocked_user_sees_the_blocker_go_offline_until_the_unblock(deployment: Deployment, where: str) -> None:
    ann, bob = deployment.user(), deployment.user()
    if where == "room":
        ann.room(bob)
    else:
        ann.send("hello", recipient_id=bob.id)
    with ann.live() as hers:
        his = deployment.on_each_worker(bob)
        hers.expect("presence", user_id=bob.id, status="online")
        for client in his:
            if ann.id not in client.ready["online"]:
                client.expect("presence", user_id=ann.id, status="online")
        wait_until_presence_is_sent(deployment, his)
        before = [len(presence_events(client, ann)) for client in his]
        block(ann, bob)
        for client in his:
            event = client.expect("presence", user_id=ann.id, status="offline")
            assert datetime.fromisoformat(event["last_seen_at"])  # as of a user who went offline
        block(ann, bob)  # a repetition changes nothing
        with bob.live() as late:
            assert ann.id not in late.ready["online"]
        with ann.live() as second:
            assert bob.id in second.ready["online"]  # the blocked user is not hidden from the blocker
        wait_until_presence_is_sent(deployment, his)
        assert [len(presence_events(client, ann)) for client in his] == [number + 1 for number in before]
        unblock(ann, bob)
        for client in his:
            client.expect("presence", user_id=ann.id, status="online")
        with bob.live() as late:
            assert ann.id in late.ready["online"]


def test_a_blocked_user_receives_no_presence_of_the_blocker(deployment: Deployment) -> None:
    ann, bob, friend = deployment.user(), deployment.user(), deployment.user()
    ann.room(bob, friend)
    block(ann, bob)
    his, friends = deployment.on_each_worker(bob), deployment.on_each_worker(friend)
    with ann.live():
        wait_until_presence_is_sent(deployment, his)
        unblock(ann, bob)
        for client in his:
            assert len(presence_events(client, ann)) == 0 or presence_events(client, ann)[0]["status"] == "online"
            client.expect("presence", user_id=ann.id, status="online")
        block(ann, bob)
        for client in his:
            client.expect("presence", user_id=ann.id, status="offline")
    for client in friends:
        client.expect("presence", user_id=ann.id, status="offline")
    unblock(ann, bob)  # the blocker is offline, so there is no event
    wait_until_presence_is_sent(deployment, his)
    for client in his:
        assert [frame["status"] for frame in presence_events(client, ann)] == ["online", "offline"]


def test_a_blocked_user_who_joins_the_blocker_receives_no_presence_and_the_blocker_does(deployment: Deployment) -> None:
    ann, bob = deployment.user(), deployment.user()
    block(ann, bob)
    his = deployment.on_each_worker(bob)
    with ann.live() as hers:
        wait_until_presence_is_sent(deployment, [*his, hers])  # every worker knows that both are online
        ann.send("I may write", recipient_id=bob.id)
        room = ann.room()
        bob("POST", f"/api/rooms/{room['id']}/join")
        hers.expect("presence", user_id=bob.id, status="online")
        wait_until_presence_is_sent(deployment, his)
        for client in his:
            assert presence_events(client, ann) == []


def test_a_block_between_strangers_sends_no_event(deployment: Deployment) -> None:
    ann, bob = deployment.user(), deployment.user()
    his = deployment.on_each_worker(bob)
    with ann.live():
        block(ann, bob)
        wait_until_presence_is_sent(deployment, his)
        unblock(ann, bob)
        wait_until_presence_is_sent(deployment, his)
    for client in his:
        assert presence_events(client, ann) == []


def test_a_blocked_user_receives_no_typing_and_no_read_marks_of_the_blocker(deployment: Deployment) -> None:
    ann, bob = deployment.user(), deployment.user()
    bob.send("hello", recipient_id=ann.id)
    room = ann.room(bob)["conversation_id"]
    name = f"dm:{min(ann.id, bob.id)}:{max(ann.id, bob.id)}"
    with ann.live() as hers, ann.live() as second, bob.live() as his:
        block(ann, bob)
        assert hers.call("typing", conversation_id=name)["type"] == "ok"
        assert his.call("typing", conversation_id=name)["code"] == "blocked"
        assert hers.call("typing", conversation_id=room)["type"] == "ok"
        his.expect("typing", conversation_id=room, user_id=ann.id)  # a worker sends typing in order
        assert hers.call("read", conversation_id=name, seq=1)["type"] == "ok"
        assert second.expect("read", conversation_id=name)["seq"] == 1
        unblock(ann, bob)
        bob.send("good", recipient_id=ann.id)
        assert hers.call("typing", conversation_id=name)["type"] == "ok"
        his.expect("typing", conversation_id=name, user_id=ann.id)
        assert hers.call("read", conversation_id=name, seq=2)["type"] == "ok"
        assert his.expect("read", conversation_id=name, user_id=ann.id)["seq"] == 2
        received = [
            (frame["type"], frame["conversation_id"]) for frame in his.events if frame["type"] in ("typing", "read")
        ]
        assert received == [("typing", room), ("typing", name), ("read", name)]
        assert [f for f in hers.events if f["type"] in ("typing", "read")] == []
