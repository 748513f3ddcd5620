"""What the blocked hear of who blocks them: nothing that tells when they are there."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment

BLOCKS = "/api/users/me/blocks"


def presences(client: LiveClient, of: Api) -> list[Frame]:
    return [frame for frame in client.events if frame["type"] == "presence" and frame["user_id"] == of.id]


def block(user: Api, other: Api) -> None:
    user("PUT", f"{BLOCKS}/{other.id}", status=204)


def unblock(user: Api, other: Api) -> None:
    user("DELETE", f"{BLOCKS}/{other.id}", status=204)


def hear_of_news(deployment: Deployment, room: Frame, owner: Api, clients: list[LiveClient]) -> None:
    """Wait until each of *clients*, all of them in the room, has heard what there was to hear of before."""
    friend = deployment.user()
    owner("PUT", f"/api/rooms/{room['id']}/members/{friend.id}")
    with friend.live():
        for client in clients:
            client.expect("presence", user_id=friend.id, status="online")


@pytest.mark.parametrize("where", ["room", "direct"])
def test_whoever_blocks_goes_offline_for_the_blocked_and_comes_back(deployment: Deployment, where: str) -> None:
    ann, bob, host = deployment.user(), deployment.user(), deployment.user()
    if where == "room":
        ann.room(bob)
    else:
        ann.send("hello", recipient_id=bob.id)
    common = host.room(bob)
    with ann.live() as hers:
        his = deployment.on_each_worker(bob)
        hers.expect("presence", user_id=bob.id, status="online")
        for client in his:
            if ann.id not in client.ready["online"]:
                client.expect("presence", user_id=ann.id, status="online")
        hear_of_news(deployment, common, host, his)
        before = [len(presences(client, ann)) for client in his]
        block(ann, bob)
        for client in his:
            told = client.expect("presence", timeout=2, user_id=ann.id, status="offline")
            assert datetime.fromisoformat(told["last_seen_at"])  # as anybody's who went
        block(ann, bob)  # again, which changes nothing
        with bob.live() as late:
            assert ann.id not in late.ready["online"]
        with ann.live() as second:
            assert bob.id in second.ready["online"]  # whom I block is not hidden from me
        hear_of_news(deployment, common, host, his)
        assert [len(presences(client, ann)) for client in his] == [number + 1 for number in before]
        unblock(ann, bob)
        for client in his:
            client.expect("presence", timeout=2, user_id=ann.id, status="online")
        with bob.live() as late:
            assert ann.id in late.ready["online"]


def test_the_blocked_hear_nothing_of_coming_and_going(deployment: Deployment) -> None:
    ann, bob, host = deployment.user(), deployment.user(), deployment.user()
    ann.room(bob)
    common = host.room(bob)
    block(ann, bob)
    his = deployment.on_each_worker(bob)
    with ann.live() as hers:
        hers.drain()
        hear_of_news(deployment, common, host, his)
        unblock(ann, bob)
        for client in his:
            assert len(presences(client, ann)) == 0 or presences(client, ann)[0]["status"] == "online"
            client.expect("presence", timeout=2, user_id=ann.id, status="online")
        block(ann, bob)
        for client in his:
            client.expect("presence", timeout=2, user_id=ann.id, status="offline")
    hear_of_news(deployment, common, host, his)
    unblock(ann, bob)  # of whom is away there is nothing to tell
    hear_of_news(deployment, common, host, his)
    for client in his:
        assert [frame["status"] for frame in presences(client, ann)] == ["online", "offline"]


def test_who_meets_whom_blocks_them_hears_nothing_and_the_other_does(deployment: Deployment) -> None:
    ann, bob, host = deployment.user(), deployment.user(), deployment.user()
    common = host.room(bob)
    block(ann, bob)
    his = deployment.on_each_worker(bob)
    with ann.live() as hers:
        ann.send("I may write", recipient_id=bob.id)
        room = ann.room()
        bob("POST", f"/api/rooms/{room['id']}/join")
        hers.expect("presence", timeout=2, user_id=bob.id, status="online")
        hear_of_news(deployment, common, host, his)
        for client in his:
            assert presences(client, ann) == []


def test_a_block_between_strangers_tells_nothing(deployment: Deployment) -> None:
    ann, bob, host = deployment.user(), deployment.user(), deployment.user()
    common = host.room(bob)
    his = deployment.on_each_worker(bob)
    with ann.live():
        block(ann, bob)
        hear_of_news(deployment, common, host, his)
        unblock(ann, bob)
        hear_of_news(deployment, common, host, his)
    for client in his:
        assert presences(client, ann) == []


def test_the_blocked_do_not_see_the_other_type_and_read(deployment: Deployment) -> None:
    ann, bob = deployment.user(), deployment.user()
    bob.send("hello", recipient_id=ann.id)
    name = f"dm:{min(ann.id, bob.id)}:{max(ann.id, bob.id)}"
    with ann.live() as hers, ann.live() as second, bob.live() as his:
        assert hers.call("typing", conversation_id=name)["type"] == "ok"
        his.expect("typing", user_id=ann.id)
        assert hers.call("typing", conversation_id=name, is_typing=False)["type"] == "ok"
        his.expect("typing", user_id=ann.id, is_typing=False)
        block(ann, bob)
        assert hers.call("typing", conversation_id=name)["type"] == "ok"
        assert his.call("typing", conversation_id=name)["code"] == "blocked"
        assert hers.call("read", conversation_id=name, seq=1)["type"] == "ok"
        assert second.expect("read", conversation_id=name)["seq"] == 1
        assert hers.send("still here", conversation_id=name)["seq"] == 2
        his.message("still here")  # what was published before it has come before it
        unblock(ann, bob)
        bob.send("good", recipient_id=ann.id)
        assert hers.call("read", conversation_id=name, seq=3)["type"] == "ok"
        assert his.expect("read", conversation_id=name, user_id=ann.id)["seq"] == 3
        told = [frame["type"] for frame in his.events if frame["type"] in ("typing", "read")]
        assert told == ["typing", "typing", "read"]
        assert [f for f in hers.events if f["type"] in ("typing", "read")] == []
