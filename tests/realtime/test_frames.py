"""Every frame of the protocol, over a running server."""

from __future__ import annotations

import pytest

from tests.realtime.client import Api
from tests.realtime.conftest import Deployment


@pytest.fixture
def users(deployment: Deployment) -> tuple[Api, Api]:
    """Alice and Bob."""
    return deployment.user(), deployment.user()


def test_ready_comes_first_and_names_the_user(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live("my_Tab-1") as client:
        assert client.ready["user"]["id"] == user.id
        assert client.ready["user"]["email"]
        assert (client.ready["heartbeat"], client.ready["typing_expires"]) == (25, 6)
        assert client.ready["online"] == [user.id]


def test_a_message_is_acknowledged_after_the_commit_and_sent_to_the_others(
    deployment: Deployment, users: tuple[Api, Api]
) -> None:
    alice, bob = users
    room = alice.room(bob)
    with alice.live() as sender, bob.live() as receiver:
        sent = sender.send("hello", room_id=room["id"], client_message_id="once")
        assert alice("GET", f"/api/chat/messages/{sent['id']}") == sent
        assert sent["client_message_id"] == "once"
        event = receiver.expect("message.created")
        assert event["message"] == {**sent, "client_message_id": None}
        assert (event["conversation_id"], event["modseq"]) == (room["conversation_id"], sent["modseq"])
        own = sender.expect("message.created")
        assert own["message"] == sent


def test_a_repeated_send_is_acknowledged_again_and_delivered_once(
    deployment: Deployment, users: tuple[Api, Api]
) -> None:
    alice, bob = users
    room = alice.room(bob)
    with alice.live() as sender, bob.live() as receiver:
        first = sender.send("hello", room_id=room["id"], client_message_id="k")
        assert sender.send("hello", room_id=room["id"], client_message_id="k") == first
        error = sender.call("send", content="other", room_id=room["id"], client_message_id="k")
        assert (error["type"], error["code"]) == ("error", "idempotency_conflict")
        sender.send("end", room_id=room["id"])
        receiver.expect_message("end")
        assert [f["message"]["content"] for f in receiver.events if f["type"] == "message.created"] == ["hello", "end"]


def test_pipelined_sends_keep_their_order(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    room = alice.room(bob)
    with alice.live() as sender, bob.live() as receiver:
        ids = [sender.send_frame("send", content=str(n), room_id=room["id"]) for n in range(100)]
        answers = [sender.answer(id_)["message"] for id_ in ids]
        assert [m["content"] for m in answers] == [str(n) for n in range(100)]
        assert [m["seq"] for m in answers] == list(range(1, 101))
        acks = [frame["id"] for frame in sender.events if frame["type"] == "ack"]
        assert acks == ids
        receiver.expect_message("99")
        received = [f["message"]["content"] for f in receiver.events if f["type"] == "message.created"]
        assert received == [str(n) for n in range(100)]


def test_a_refused_send_is_answered_in_order(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    room = bob.room(is_public=False)
    with alice.live() as client:
        ids = [client.send_frame("send", content="one"), client.send_frame("send", content="two", room_id=room["id"])]
        ids += [client.send_frame("nonsense"), client.send_frame("send", content="three"), client.send_frame("ping")]
        for id_ in ids:
            client.answer(id_)
        answers = [(frame["type"], frame.get("code")) for frame in client.events if frame.get("id") in ids]
        assert answers == [
            ("ack", None), ("error", "not_found"), ("error", "validation_failed"), ("ack", None), ("pong", None),
        ]  # fmt: skip


def test_two_sockets_of_a_user_receive_the_same(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    room = alice.room(bob)
    with alice.live() as one, alice.live() as two, bob.live() as other:
        sent = other.send("hi", room_id=room["id"])
        for socket in (one, two):
            assert socket.expect("message.created")["message"]["id"] == sent["id"]
        mine = one.send("mine", room_id=room["id"], client_message_id="x")
        assert two.expect("message.created")["message"] == mine


def test_a_reply_updates_its_parent(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    room = alice.room(bob)
    with alice.live() as sender, bob.live() as receiver:
        parent = sender.send("parent", room_id=room["id"])
        reply = sender.send("reply", room_id=room["id"], parent_id=parent["id"])
        receiver.expect_message("reply")
        updated = receiver.expect("message.updated")
        assert (updated["message"]["id"], updated["message"]["reply_count"]) == (parent["id"], 1)
        assert updated["modseq"] == reply["modseq"] + 1


def test_the_first_direct_message_opens_the_conversation_on_both_sides(
    deployment: Deployment, users: tuple[Api, Api]
) -> None:
    alice, bob = users
    with alice.live() as one, bob.live() as other:
        sent = one.send("psst", recipient_id=bob.id)
        for socket in (one, other):
            event = socket.expect_message("psst")
            assert event["modseq"] == 1
            assert event["message"]["conversation_id"] == sent["conversation_id"]
        other.send("what?", recipient_id=alice.id)
        one.expect_message("what?")


def test_a_message_over_rest_reaches_sockets(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    room = alice.room(bob)
    with bob.live() as receiver:
        for n in range(10):
            alice.send(f"{n}", room_id=room["id"])
        receiver.expect_message("9")
        assert [f["modseq"] for f in receiver.events if f["type"] == "message.created"] == list(range(3, 13))


def test_a_read_mark_is_sent_to_the_other_sockets_of_the_conversation(
    deployment: Deployment, users: tuple[Api, Api]
) -> None:
    alice, bob = users
    name = bob.send("hi", recipient_id=alice.id)["conversation_id"]
    with alice.live() as one, alice.live() as two, bob.live() as other:
        assert one.call("read", conversation_id=name, seq=1)["type"] == "ok"
        expected = {"type": "read", "conversation_id": name, "user_id": alice.id, "seq": 1}
        assert other.expect("read") == expected
        assert two.expect("read") == expected
        assert not [frame for frame in one.sync() if frame["type"] == "read"]
        past = one.call("read", conversation_id=name, seq=2)
        assert (past["type"], past["code"]) == ("error", "validation_failed")
        [row] = [row for row in bob("GET", "/api/chat/conversations") if row["id"] == name]
        assert row["last_message"]["is_read"]


def test_typing_is_sent_to_others(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    room = alice.room(bob)
    name = room["conversation_id"]
    with alice.live() as typist, alice.live() as second, bob.live() as other:
        assert typist.call("typing", conversation_id=name, is_typing=True)["type"] == "ok"
        expected = {"type": "typing", "conversation_id": name, "user_id": alice.id}
        assert other.expect("typing") == {**expected, "is_typing": True}
        typist.call("typing", conversation_id=name, is_typing=False)
        assert other.expect("typing") == {**expected, "is_typing": False}
        for socket in (typist, second):
            assert not [frame for frame in socket.sync() if frame["type"] == "typing"]


def test_typing_is_refused_outside_the_users_conversations(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    room = alice.room()
    with bob.live() as client:
        for name, code in ((room["conversation_id"], "not_a_member"), ("room:999999", "not_found"), ("x", "not_found")):
            assert client.call("typing", conversation_id=name)["code"] == code


def test_typing_is_not_sent_between_a_blocker_and_the_blocked_user(
    deployment: Deployment, users: tuple[Api, Api]
) -> None:
    alice, bob = users
    name = alice.send("hello", recipient_id=bob.id)["conversation_id"]
    alice("PUT", f"/api/users/me/blocks/{bob.id}", status=204)
    with alice.live() as one, bob.live() as other:
        assert other.call("typing", conversation_id=name)["code"] == "blocked"
        assert one.call("typing", conversation_id=name)["type"] == "ok"
        # Whichever worker published the other typing publishes one of these later.
        for place in range(len(deployment.server.worker_pids)):
            host = deployment.user()
            common = host.room(alice, bob)["conversation_id"]
            host.send("hello", conversation_id=common)
            for client in (one, other):
                client.expect("message.created", conversation_id=common)  # it is subscribed: typing is sent once
            deployment.on_each_worker(host)[place].call("typing", conversation_id=common)
            for client in (one, other):
                client.expect("typing", user_id=host.id)
        for client in (one, other):
            assert [f for f in client.events if f["type"] == "typing" and f["conversation_id"] == name] == []


def test_pings_as_frames_and_as_control_frames_are_answered(deployment: Deployment) -> None:
    with deployment.user().live() as client:
        assert client.call("ping")["type"] == "pong"
        assert client.socket.ping().wait(5)


def test_presence_is_sent_to_users_who_share_a_conversation(deployment: Deployment, users: tuple[Api, Api]) -> None:
    alice, bob = users
    alice.room(bob)
    stranger = deployment.user()
    with alice.live() as watcher, stranger.live() as apart:
        with bob.live() as client:
            came = watcher.expect("presence", user_id=bob.id)
            assert (came["status"], came["last_seen_at"]) == ("online", None)
            online = set(client.ready["online"])
            if alice.id not in online:  # she connected to the other worker a moment ago, and the event follows
                online.add(client.expect("presence", user_id=alice.id, status="online")["user_id"])
            assert online == {alice.id, bob.id}
            with bob.live():
                pass
        went = watcher.expect("presence", user_id=bob.id)
        assert went["status"] == "offline"
        assert went["last_seen_at"]
        assert not [frame for frame in apart.sync() if frame["type"] == "presence"]
