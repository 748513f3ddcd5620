"""Synchronisation by modseq."""

from __future__ import annotations

from typing import Any

import pytest

from backend.inbox import sync as syncing
from tests.client import Client
from tests.factories import Factory


def sync(client: Client, **seen: int) -> dict[str, Any]:
    names = {name.replace("_", ":"): value for name, value in seen.items()}
    response = client.post("/api/chat/sync", {"conversations": names})
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def one(answer: dict[str, Any], conversation_id: str) -> dict[str, Any]:
    return next(row for row in answer["conversations"] if row["id"] == conversation_id)


def send(client: Client, **body: Any) -> dict[str, Any]:
    return client.post("/api/chat/send", {"content": "x", **body}).get_json()


def test_a_conversation_that_was_never_seen_is_sent_whole(make: Factory) -> None:
    ann = make.client()
    sent = [send(ann) for _ in range(3)]
    for body in ({}, {"conversations": {}}):
        lobby = one(ann.post("/api/chat/sync", body).get_json(), "lobby")
        assert [m["id"] for m in lobby["messages"]] == [m["id"] for m in sent]
        assert (lobby["last_seq"], lobby["last_modseq"], lobby["truncated"]) == (3, 3, False)
        assert (lobby["last_read_seq"], lobby["unread_count"]) == (0, 0)


def test_only_changes_are_sent_in_their_present_state(make: Factory) -> None:
    ann = make.client()
    parent, _other = send(ann), send(ann)
    reply = send(ann, parent_id=parent["id"])
    lobby = one(sync(ann, lobby=2), "lobby")
    assert [(m["id"], m["modseq"]) for m in lobby["messages"]] == [(reply["id"], 3), (parent["id"], 4)]
    assert lobby["messages"][1]["reply_count"] == 1
    assert one(sync(ann, lobby=4), "lobby")["messages"] == []


def test_a_modseq_after_the_head_is_answered_with_the_head(make: Factory) -> None:
    ann = make.client()
    send(ann)
    lobby = one(sync(ann, lobby=2**63 - 1), "lobby")
    assert (lobby["last_modseq"], lobby["messages"], lobby["truncated"]) == (1, [], False)


def test_changed_and_former_members_are_sent(make: Factory) -> None:
    ann, bob, eve = make.client(), make.client(), make.client()
    room = make.room(ann, "r", bob, eve)
    name = room["conversation_id"]
    head = one(sync(ann), name)["last_modseq"]
    assert head == 3
    eve.post(f"/api/rooms/{room['id']}/leave")
    send(ann, room_id=room["id"])
    ann.patch(f"/api/rooms/{room['id']}/members/{bob.user.id}", {"is_admin": True})
    changes = one(sync(ann, **{name.replace(":", "_"): head}), name)
    assert [(m["user"]["id"], m["modseq"], m["is_admin"], m["left_at"] is None) for m in changes["members"]] == [
        (eve.user.id, 4, False, False),
        (bob.user.id, 6, True, True),
    ]
    assert [m["modseq"] for m in changes["messages"]] == [5]


def test_unreadable_conversations_are_gone(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "r", bob)
    bob.post(f"/api/rooms/{room['id']}/leave")
    answer = bob.post(
        "/api/chat/sync",
        {"conversations": {room["conversation_id"]: 1, "room:999": 0, "dm:1:2": 5, "x\u00e9": 1, "lobby": 0}},
    ).get_json()
    assert answer["gone"] == sorted(["dm:1:2", "room:999", room["conversation_id"], "x\u00e9"])
    assert [row["id"] for row in answer["conversations"]] == ["lobby"]


def test_pages_of_200_continue_exactly(make: Factory) -> None:
    ann = make.client()
    parents = [send(ann)["id"] for _ in range(7)]
    for n in range(443):
        send(ann, **({"parent_id": parents[n % 7]} if n > 393 else {}))
    seen, since, sizes = {}, 0, []
    while True:
        lobby = one(sync(ann, lobby=since), "lobby")
        sizes.append(len(lobby["messages"]))
        modseqs = [m["modseq"] for m in lobby["messages"]]
        assert modseqs == sorted(modseqs)
        seen.update({m["id"]: m for m in lobby["messages"]})
        if not lobby["truncated"]:
            break
        since = modseqs[-1]
    assert sizes == [200, 200, 50]
    assert len(seen) == 450
    now = {m["id"]: m["modseq"] for m in ann.get("/api/chat/messages?limit=100").get_json()}
    assert all(seen[id_]["modseq"] == modseq for id_, modseq in now.items())


def test_exactly_a_page_is_not_truncated(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "PAGE", 10)
    ann = make.client()
    for _ in range(10):
        send(ann)
    assert one(sync(ann), "lobby")["truncated"] is False
    send(ann)
    lobby = one(sync(ann), "lobby")
    assert (lobby["truncated"], len(lobby["messages"])) == (True, 10)


def test_members_after_a_truncated_page_are_in_the_next(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "PAGE", 10)
    ann, bob = make.client(), make.client()
    room = make.room(ann)
    for _ in range(12):
        send(ann, room_id=room["id"])
    bob.post(f"/api/rooms/{room['id']}/join")
    first = one(sync(ann), room["conversation_id"])
    assert (first["truncated"], len(first["messages"]), len(first["members"])) == (True, 10, 1)
    rest = one(sync(ann, **{f"room_{room['id']}": first["messages"][-1]["modseq"]}), room["conversation_id"])
    assert (rest["truncated"], len(rest["messages"])) == (False, 2)
    assert [m["user"]["id"] for m in rest["members"]] == [bob.user.id]


def test_a_page_ends_at_its_messages_where_a_page_of_members_would_end_later(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "PAGE", 10)
    ann = make.client()
    room = make.room(ann)
    for _ in range(12):
        send(ann, room_id=room["id"])
    for _ in range(11):
        make.client().post(f"/api/rooms/{room['id']}/join")
    first = one(sync(ann), room["conversation_id"])
    assert (first["truncated"], len(first["messages"]), len(first["members"])) == (True, 10, 1)


def test_many_conversations_share_the_answer(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "TOTAL", 30)
    ann = make.client()
    rooms = [make.room(ann, f"r{n}") for n in range(3)]
    for room in rooms:
        for _ in range(15):
            send(ann, room_id=room["id"])
    answer = sync(ann)
    assert [len(row["messages"]) for row in answer["conversations"] if row["id"] != "lobby"] == [10, 10, 10]
    assert all(row["truncated"] for row in answer["conversations"] if row["id"] != "lobby")


@pytest.mark.parametrize(
    "conversations",
    [
        [],
        None,
        {"lobby": -1},
        {"lobby": "1"},
        {"lobby": 2**63},
        {"lobby": None},
        {"x" * 101: 1},
        {"a\0": 1},
        {"\ud800": 1},
    ],
)
def test_invalid_requests_are_refused(make: Factory, conversations: Any) -> None:
    response = make.client().post("/api/chat/sync", {"conversations": conversations})
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")


def test_too_many_conversations(make: Factory) -> None:
    response = make.client().post("/api/chat/sync", {"conversations": {f"room:{n}": 0 for n in range(10_001)}})
    assert response.status_code == 422
