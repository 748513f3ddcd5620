"""Reconnecting: `resume` returns what was missed page by page, and the live events continue it exactly."""

from __future__ import annotations

from typing import Any

from tests.processes import wait_until
from tests.realtime.client import Api, missing
from tests.realtime.conftest import Deployment, unsent_bytes
from tests.realtime.sending import sending_messages


def send_messages(sender: Api, room: dict[str, Any], count: int, prefix: str = "m") -> None:
    with sender.live() as client:
        client.send_many((f"{prefix}{n}" for n in range(count)), room_id=room["id"])


def test_a_resumption_without_missed_events_returns_the_lobby(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live() as client:
        [page] = client.resume({"room:999": 4, "lobby": 0})
        assert page["done"]
        assert page["gone"] == ["room:999"]
        assert [row["id"] for row in page["conversations"]] == ["lobby"]


def test_missed_messages_are_returned_in_pages_and_live_events_continue_them(deployment: Deployment) -> None:
    owner, reader = deployment.user(), deployment.user()
    room = owner.room(reader)
    name = room["conversation_id"]
    with reader.live() as client:
        send_messages(owner, room, 20, "early")
        client.expect_message("early19")
        seen = client.modseqs[name]
    send_messages(owner, room, 450)
    with reader.live() as client:
        pages = client.resume({name: seen})
        assert [page["done"] for page in pages] == [False, False, True]
        received = [
            m["content"] for p in pages for row in p["conversations"] if row["id"] == name for m in row["messages"]
        ]
        assert received == [f"m{n}" for n in range(450)]
        owner.send("live", room_id=room["id"])
        assert client.expect_message("live")["modseq"] == seen + 451


def test_live_events_continue_a_resumption_exactly_while_messages_are_sent(deployment: Deployment) -> None:
    owner, reader = deployment.user(), deployment.user()
    room = owner.room(reader)
    name = room["conversation_id"]
    send_messages(owner, room, 300)
    with sending_messages(owner, room):
        for _ in range(5):
            with reader.live() as client:
                client.resume({name: 2})
                last = client.modseqs[name]
                # The live events after the last page have no gap. The client itself checks that none is repeated.
                for expected in range(last + 1, last + 11):
                    client.expect("message.created", conversation_id=name, modseq=expected)
                client.resume({name: client.modseqs[name]})
                client.expect("message.created", conversation_id=name, modseq=client.modseqs[name] + 1)
    with reader.live() as client:
        client.resume()
        rows = reader("POST", "/api/chat/sync", {"conversations": {name: client.modseqs[name] - 150}})
        [row] = [row for row in rows["conversations"] if row["id"] == name]
        assert missing(client, name, 0, row["messages"]) == []


def test_a_room_that_the_user_was_removed_from_is_gone(deployment: Deployment) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)
    owner("DELETE", f"/api/rooms/{room['id']}/members/{member.id}")
    owner.send("after the removal", room_id=room["id"])
    with member.live() as client:
        [page] = client.resume({room["conversation_id"]: 1})
        assert page["gone"] == [room["conversation_id"]]
        assert room["conversation_id"] not in client.seen


def test_a_slow_reader_gets_all_pages(deployment: Deployment) -> None:
    owner, reader = deployment.user(), deployment.user()
    room = owner.room(reader)
    with owner.live() as client:
        client.send_many(("x" * 4_000 for _ in range(1_500)), room_id=room["id"])
    with reader.live(max_queue=1) as client:
        id_ = client.send_frame("resume", conversations={room["conversation_id"]: 2})
        wait_until(lambda: unsent_bytes(deployment.server, client), "the server to wait for the reader")
        pages = [client.answer(id_)]
        while not pages[-1]["done"]:
            pages.append(client.answer(id_))
        seqs = [m["seq"] for p in pages for row in p["conversations"] for m in row["messages"] if m["room_id"]]
        assert seqs == list(range(1, 1_501))
