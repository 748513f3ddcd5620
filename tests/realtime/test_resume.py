"""Coming back: what was missed, page by page, and then the live events, which continue it exactly."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

from tests.realtime.client import Api, missing
from tests.realtime.conftest import Deployment


def speak(speaker: Api, room: dict[str, Any], count: int, prefix: str = "m") -> None:
    with speaker.live() as client:
        client.speak((f"{prefix}{n}" for n in range(count)), room_id=room["id"])


def test_nothing_missed(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live() as client:
        [page] = client.resume({"room:999": 4, "lobby": 0})
        assert page["done"]
        assert page["gone"] == ["room:999"]
        assert [row["id"] for row in page["conversations"]] == ["lobby"]


def test_what_was_missed_comes_in_pages_and_the_live_events_go_on(deployment: Deployment) -> None:
    owner, reader = deployment.user(), deployment.user()
    room = owner.room(reader)
    name = room["conversation_id"]
    with reader.live() as client:
        speak(owner, room, 20, "early")
        client.message("early19")
        seen = client.modseqs[name]
    speak(owner, room, 450)
    with reader.live() as client:
        pages = client.resume({name: seen})
        assert [page["done"] for page in pages] == [False, False, True]
        told = [m["content"] for p in pages for row in p["conversations"] if row["id"] == name for m in row["messages"]]
        assert told == [f"m{n}" for n in range(450)]
        owner.send("live", room_id=room["id"])
        assert client.message("live")["modseq"] == seen + 451


def test_it_goes_on_exactly_while_messages_stream_in(deployment: Deployment) -> None:
    owner, reader = deployment.user(), deployment.user()
    room = owner.room(reader)
    name = room["conversation_id"]
    speak(owner, room, 300)
    is_over = Event()

    def stream() -> None:
        with owner.live() as client:
            n = 0
            while not is_over.is_set():
                client.send(f"s{n}", room_id=room["id"])
                n += 1
            client.send("end", room_id=room["id"])

    streaming = Thread(target=stream)
    streaming.start()
    try:
        for _ in range(5):
            with reader.live() as client:
                client.resume({name: 2})
                last = client.modseqs[name]
                # Everything behind the last page, without a gap or a repeat (which the client refuses by itself).
                for expected in range(last + 1, last + 11):
                    client.expect("message.created", conversation_id=name, modseq=expected)
                client.resume({name: client.modseqs[name]})
                client.expect("message.created", conversation_id=name, modseq=client.modseqs[name] + 1)
    finally:
        is_over.set()
        streaming.join()
    with reader.live() as client:
        client.resume()
        rows = reader("POST", "/api/chat/sync", {"conversations": {name: client.modseqs[name] - 150}})
        [row] = [row for row in rows["conversations"] if row["id"] == name]
        assert missing(client, name, 0, row["messages"]) == []


def test_a_room_that_was_left_is_gone(deployment: Deployment) -> None:
    owner, member = deployment.user(), deployment.user()
    room = owner.room(member)
    owner("DELETE", f"/api/rooms/{room['id']}/members/{member.id}")
    owner.send("unheard", room_id=room["id"])
    with member.live() as client:
        [page] = client.resume({room["conversation_id"]: 1})
        assert page["gone"] == [room["conversation_id"]]
        assert room["conversation_id"] not in client.seen


def test_a_reader_who_takes_its_time_gets_all_pages(deployment: Deployment) -> None:
    owner, reader = deployment.user(), deployment.user()
    room = owner.room(reader)
    with owner.live() as client:
        client.speak(("x" * 4_000 for _ in range(1_500)), room_id=room["id"])
    with reader.live() as client:
        id_ = client.say("resume", conversations={room["conversation_id"]: 2})
        pages = [client.answer(id_)]
        while not pages[-1]["done"]:
            Event().wait(0.1)
            pages.append(client.answer(id_))
        seqs = [m["seq"] for p in pages for row in p["conversations"] for m in row["messages"] if m["room_id"]]
        assert seqs == list(range(1, 1_501))
