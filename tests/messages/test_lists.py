"""Lists of messages: contents, order and paging."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from backend.models import ConversationEntry
from backend.models.base import db
from backend.security.hashing import hash_password
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries


def fill(client: Client, count: int, **address: Any) -> list[dict[str, Any]]:
    return [client.post("/api/chat/send", {"content": f"m{n}", **address}).get_json() for n in range(1, count + 1)]


def seqs(client: Client, path: str) -> list[int]:
    response = client.get(path)
    assert response.status_code == 200, response.get_data()
    return [message["seq"] for message in response.get_json()]


def test_an_empty_list(make: Factory) -> None:
    response = make.client().get("/api/chat/messages?skip=0&limit=10")
    assert (response.status_code, response.get_json()) == (200, [])


def test_all_visible_messages_are_listed_newest_first(make: Factory) -> None:
    ann, bob, eve = make.client(), make.client(), make.client()
    room = make.room(ann, "r", bob, is_public=False)
    sent = [
        *fill(ann, 2),
        *fill(bob, 2, room_id=room["id"]),
        *fill(ann, 2, recipient_id=bob.user.id),
        *fill(bob, 1, recipient_id=bob.user.id),
        *fill(eve, 1),
    ]
    ids = [message["id"] for message in reversed(sent)]
    notes = sent[6]["id"]
    assert [m["id"] for m in bob.get("/api/chat/messages").get_json()] == ids
    assert [m["id"] for m in ann.get("/api/chat/messages").get_json()] == [i for i in ids if i != notes]
    assert [m["id"] for m in eve.get("/api/chat/messages").get_json()] == [ids[0], *ids[-2:]]


def test_pages_of_all_messages_are_complete_and_linked(make: Factory) -> None:
    ann = make.client()
    fill(ann, 7)
    fill(ann, 8, recipient_id=ann.user.id)
    seen: list[int] = []
    path: str | None = "/api/chat/messages?limit=4"
    while path:
        response = ann.get(path)
        seen += [message["id"] for message in response.get_json()]
        path = response.headers.get("Link", "").partition(">")[0].lstrip("<") or None
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 15


def test_a_former_member_does_not_see_the_messages(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "r", bob)
    message = fill(ann, 1, room_id=room["id"])[0]
    assert bob.get(f"/api/chat/messages/{message['id']}").status_code == 200
    bob.post(f"/api/rooms/{room['id']}/leave")
    assert bob.get("/api/chat/messages").get_json() == []
    assert bob.get(f"/api/chat/messages/{message['id']}").status_code == 404


def test_an_inbox_row_alone_shows_no_room(app: Flask, make: Factory) -> None:
    """The membership decides. An inbox row may be left of one that ended."""
    ann, bob = make.client(), make.client()
    room, other = make.room(ann, "r", bob), make.room(bob, "other")
    message = fill(ann, 1, room_id=room["id"])[0]
    assert ann.put(f"/api/chat/messages/{message['id']}/pin").status_code == 200
    own = fill(bob, 1, room_id=other["id"])[0]

    def shown(client: Client) -> list[set[str]]:
        lists = [
            client.get(path).get_json()
            for path in ("/api/chat/messages", "/api/chat/messages?pinned=true", "/api/chat/search?q=m1")
        ]
        synced = client.post("/api/chat/sync", {"conversations": {}}).get_json()["conversations"]
        rows = [*synced, *client.get("/api/chat/conversations").get_json()]
        return [*({each["conversation_id"] for each in found} for found in lists), {row["id"] for row in rows}]

    in_room, in_other = room["conversation_id"], other["conversation_id"]
    assert own["conversation_id"] == in_other
    assert shown(bob) == [{in_room, in_other}, {in_room}, {in_room, in_other}, {"lobby", in_room, in_other}]
    bob.post(f"/api/rooms/{room['id']}/leave")
    with app.app_context():
        db.session.add(ConversationEntry(user_id=bob.user.id, conversation_id=in_room))  # type: ignore[attr-defined]
        db.session.commit()
    assert shown(bob) == [{in_other}, set(), {in_other}, {"lobby", in_other}]
    assert bob.post("/api/chat/sync", {"conversations": {in_room: 1}}).get_json()["gone"] == [in_room]


def test_a_direct_conversation_with_an_erased_user_stays_readable(make: Factory) -> None:
    ann, bob = make.client(), make.client(make.user(hashed_password=hash_password("correct horse battery")))
    message = fill(bob, 1, recipient_id=ann.user.id)[0]
    assert bob.delete("/api/users/me", {"password": "correct horse battery"}).status_code == 204
    path = f"/api/chat/messages?conversation_id={message['conversation_id']}"
    assert [each["id"] for each in ann.get(path).get_json()] == [message["id"]]
    assert ann.get(f"/api/chat/messages/{message['id']}").status_code == 200
    assert make.client().get(f"/api/chat/messages?recipient_id={bob.user.id}").status_code == 404


@pytest.mark.parametrize("kind", ["lobby", "room", "dm", "room path"])
def test_cursors(make: Factory, kind: str) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "r", bob)
    address = {
        "room": {"room_id": room["id"]},
        "room path": {"room_id": room["id"]},
        "dm": {"recipient_id": bob.user.id},
    }
    sent = fill(ann, 10, **address.get(kind, {}))
    path = f"/api/chat/messages?conversation_id={sent[0]['conversation_id']}"
    if kind == "room path":
        path = f"/api/rooms/{room['id']}/messages?x=1"
    assert seqs(ann, path) == list(range(10, 0, -1))
    assert seqs(ann, f"{path}&limit=3") == [10, 9, 8]
    assert seqs(ann, f"{path}&limit=3&skip=3") == [7, 6, 5]
    assert seqs(bob if kind != "lobby" else ann, f"{path}&before=4") == [3, 2, 1]
    assert seqs(ann, f"{path}&before=1") == []
    assert seqs(ann, f"{path}&after=7") == [8, 9, 10]
    assert seqs(ann, f"{path}&after=0&limit=2") == [1, 2]
    assert seqs(ann, f"{path}&after=10") == []
    assert seqs(ann, f"{path}&around=5&limit=4") == [6, 5, 4, 3]
    assert seqs(ann, f"{path}&around=5&limit=5") == [7, 6, 5, 4, 3]
    assert seqs(ann, f"{path}&around=1&limit=4") == [4, 3, 2, 1]
    assert seqs(ann, f"{path}&around=10&limit=4") == [10, 9, 8, 7]
    assert seqs(ann, f"{path}&around=99&limit=3") == [10, 9, 8]
    assert seqs(ann, f"{path}&around=5&limit=1") == [5]
    assert "Link" not in ann.get(f"{path}&around=1&limit=4").headers
    assert "before=3&" in ann.get(f"{path}&around=5&limit=4").headers["Link"].replace(">", "&")


@pytest.mark.parametrize(("start", "step"), [("limit=3", -1), ("after=0&limit=3", 1), ("around=9&limit=3", -1)])
def test_links_lead_through_a_growing_conversation(make: Factory, start: str, step: int) -> None:
    ann = make.client()
    fill(ann, 10)
    seen: list[int] = []
    path: str | None = f"/api/chat/messages?conversation_id=lobby&{start}"
    while path:
        response = ann.get(path)
        seen += [message["seq"] for message in response.get_json()]
        path = response.headers.get("Link", "").partition(">")[0].lstrip("<") or None
        fill(ann, 1) if len(seen) < 9 else None
    assert seen == sorted(seen, reverse=step < 0)
    assert set(range(1, 11)) <= set(seen)
    assert len(seen) == len(set(seen))


def test_by_room_and_by_recipient(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann)
    fill(ann, 1)
    in_room = fill(ann, 1, room_id=room["id"])[0]
    direct = fill(bob, 1, recipient_id=ann.user.id)[0]
    assert [m["id"] for m in ann.get(f"/api/chat/messages?room_id={room['id']}").get_json()] == [in_room["id"]]
    assert [m["id"] for m in ann.get(f"/api/chat/messages?recipient_id={bob.user.id}").get_json()] == [direct["id"]]
    assert make.client().get(f"/api/chat/messages?recipient_id={ann.user.id}").get_json() == []


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=１", "limit=1.0", "skip=-1", "skip=10001", "limit=" + "9" * 4000,
     "before=1", "after=1", "around=1", "conversation_id=lobby&before=1&after=1", "conversation_id=lobby&before=-1",
     "conversation_id=lobby&before=9223372036854775808", "room_id=1&recipient_id=1", "room_id=0", "conversation_id=%00",
     "room_id=x"],
)  # fmt: skip
def test_invalid_queries_are_refused(make: Factory, query: str) -> None:
    response = make.client().get(f"/api/chat/messages?{query}")
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")


def test_hidden_and_unknown_conversations(make: Factory) -> None:
    ann, eve = make.client(), make.client()
    public, private = make.room(ann), make.room(ann, is_public=False)
    message = fill(ann, 1, room_id=public["id"])[0]
    fill(ann, 1, recipient_id=ann.user.id)
    for path, status, code in (
        (f"/api/rooms/{public['id']}/messages", 403, "not_a_member"),
        (f"/api/chat/messages?room_id={public['id']}", 403, "not_a_member"),
        (f"/api/chat/messages?conversation_id=room:{public['id']}", 403, "not_a_member"),
        (f"/api/chat/messages/{message['id']}", 404, "not_found"),
        (f"/api/rooms/{private['id']}/messages", 404, "not_found"),
        ("/api/rooms/999999/messages", 404, "not_found"),
        ("/api/chat/messages?room_id=999999", 404, "not_found"),
        ("/api/chat/messages?recipient_id=999999", 404, "not_found"),
        (f"/api/chat/messages?conversation_id=dm:{ann.user.id}:{ann.user.id}", 404, "not_found"),
        ("/api/chat/messages?conversation_id=lobby2", 404, "not_found"),
        ("/api/chat/messages/9223372036854775807", 404, "not_found"),
        ("/api/chat/messages/9223372036854775808", 404, "not_found"),
    ):
        response = eve.get(path)
        assert (response.status_code, response.get_json()["code"]) == (status, code), path


def test_a_list_costs_a_constant_number_of_queries(app: Flask, make: Factory) -> None:
    ann, bob = make.client(), make.client(make.user("bob"))
    room = make.room(ann, "r", bob)
    costs = []
    for _ in range(2):
        for n in range(10):
            fill(ann, 1, room_id=room["id"])
            ann.post("/api/chat/send", {"content": f"@bob {n}", "recipient_id": bob.user.id})
        for path in ("/api/chat/messages", f"/api/rooms/{room['id']}/messages", "/api/chat/conversations"):
            with count_queries(app) as queries:
                assert ann.get(path).status_code == 200
            costs.append((path, len(queries)))
    assert costs[:3] == costs[3:]
    assert dict(costs)[f"/api/rooms/{room['id']}/messages"] <= 3


def test_only_a_list_with_more_messages_has_a_link(make: Factory) -> None:
    ann = make.client()
    room = make.room(ann)
    parent = fill(ann, 1, room_id=room["id"])[0]
    replies = fill(ann, 3, room_id=room["id"], parent_id=parent["id"])
    for message in replies:
        assert ann.put(f"/api/chat/messages/{message['id']}/pin").status_code == 200
    in_room = f"/api/chat/messages?conversation_id={room['conversation_id']}"
    for count, path in (
        (4, "/api/chat/messages?"),
        (4, in_room),
        (4, f"{in_room}&after=0"),
        (3, f"{in_room}&before=4"),
        (3, f"{in_room}&after=1"),
        (4, f"{in_room}&around=4"),
        (4, f"/api/rooms/{room['id']}/messages?"),
        (3, f"/api/chat/messages/{parent['id']}/replies?"),
        (3, f"{in_room}&pinned=true"),
        (3, "/api/chat/messages?pinned=true"),
        (3, "/api/chat/messages?skip=1"),
    ):
        for limit in (count - 1, count, count + 1):
            response = ann.get(f"{path}&limit={limit}")
            assert len(response.get_json()) == min(limit, count), path
            assert ("Link" in response.headers) == (limit < count), (path, limit)
