"""Sending: addresses, the message object, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from backend.conversations.references import resolve_conversation
from backend.messages.validation import Blocked, check_not_blocked
from tests.client import Client
from tests.factories import Factory

FIELDS = {
    "id", "conversation_id", "seq", "modseq", "sender_id", "room_id", "recipient_id", "parent_id", "content", "timestamp",
    "created_at", "edited_at", "deleted_at", "is_read", "reactions", "attachments", "reply_count", "mentions",
    "mentions_room", "is_pinned", "client_message_id",
}  # fmt: skip


def send(client: Client, status: int = 201, /, **body: Any) -> dict[str, Any]:
    response = client.post("/api/chat/send", {"content": "hello", **body})
    assert response.status_code == status, response.get_data()
    return response.get_json()


def test_a_message_without_an_address_goes_to_the_lobby(make: Factory) -> None:
    ann = make.client()
    message = send(ann, content="  as sent \n")
    assert set(message) == FIELDS
    assert message["conversation_id"] == "lobby"
    assert (message["seq"], message["modseq"], message["sender_id"]) == (1, 1, ann.user.id)
    assert message["content"] == "  as sent \n"
    assert message["timestamp"] == message["created_at"]
    assert message["timestamp"].endswith("Z")
    assert (message["room_id"], message["recipient_id"], message["parent_id"]) == (None, None, None)


def test_both_addresses_of_a_room(make: Factory) -> None:
    ann = make.client()
    room = make.room(ann)
    first = send(ann, room_id=room["id"])
    second = send(ann, conversation_id=f"room:{room['id']}")
    third = ann.post(f"/api/rooms/{room['id']}/messages", {"content": "three"}).get_json()
    assert [m["seq"] for m in (first, second, third)] == [1, 2, 3]
    assert {m["conversation_id"] for m in (first, second, third)} == {room["conversation_id"]}
    assert {m["room_id"] for m in (first, second, third)} == {room["id"]}


def test_both_addresses_of_a_direct_conversation_from_both_sides(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    name = f"dm:{ann.user.id}:{bob.user.id}"
    first = send(ann, recipient_id=bob.user.id)
    second = send(bob, recipient_id=ann.user.id)
    third = send(bob, conversation_id=name)
    assert {m["conversation_id"] for m in (first, second, third)} == {name}
    assert [m["seq"] for m in (first, second, third)] == [1, 2, 3]
    assert third["recipient_id"] == ann.user.id


def test_notes_to_self(make: Factory) -> None:
    ann = make.client()
    message = send(ann, recipient_id=ann.user.id)
    assert message["conversation_id"] == f"dm:{ann.user.id}:{ann.user.id}"


@pytest.mark.parametrize(
    "address",
    [
        {"room_id": 999_999},
        {"recipient_id": 999_999},
        {"recipient_id": 2**63 - 1},
        {"conversation_id": "room:999999"},
        {"conversation_id": "dm:1000000:1000001"},
        {"conversation_id": "room:01"},
        {"conversation_id": "room:"},
        {"conversation_id": "dm:9:3"},
        {"conversation_id": "nowhere"},
        {"conversation_id": ""},
        {"conversation_id": "room:９"},
        {"conversation_id": "room:" + "9" * 90},
    ],
)
def test_an_unknown_address_is_not_found(make: Factory, address: dict[str, Any]) -> None:
    assert send(make.client(), 404, **address)["code"] == "not_found"


def test_a_direct_conversation_of_others_is_not_found(make: Factory) -> None:
    ann, bob, eve = make.client(), make.client(), make.client()
    message = send(ann, recipient_id=bob.user.id)
    assert send(eve, 404, conversation_id=message["conversation_id"])["code"] == "not_found"


def test_strangers_get_404_for_a_private_room_and_403_for_a_public_one(make: Factory) -> None:
    ann, eve = make.client(), make.client()
    private = make.room(ann, is_public=False)
    public = make.room(ann)
    assert send(eve, 404, room_id=private["id"])["code"] == "not_found"
    assert send(eve, 403, room_id=public["id"])["code"] == "not_a_member"


def test_a_deleted_room_is_not_found(make: Factory) -> None:
    """Also one that was public: neither a stranger nor a former member could join it."""
    ann, bob, eve = make.client(), make.client(), make.client()
    room = make.room(ann, "public", bob)
    assert send(eve, 403, room_id=room["id"])["code"] == "not_a_member"
    assert ann.delete(f"/api/rooms/{room['id']}").status_code == 204
    for client in (ann, bob, eve):
        assert send(client, 404, room_id=room["id"])["code"] == "not_found"


def test_a_former_member_cannot_send(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "r", bob)
    send(bob, room_id=room["id"])
    assert bob.post(f"/api/rooms/{room['id']}/leave").status_code == 204
    assert send(bob, 403, room_id=room["id"])["code"] == "not_a_member"


def test_an_erased_recipient_is_not_found(make: Factory) -> None:
    from backend.models.base import utcnow

    erased = make.user(deleted_at=utcnow())
    assert send(make.client(), 404, recipient_id=erased.id)["code"] == "not_found"


def test_a_blocked_user_cannot_send(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    make.block(ann.user, bob.user)
    assert send(bob, 403, recipient_id=ann.user.id)["code"] == "blocked"
    send(ann, recipient_id=bob.user.id)
    assert send(bob, 403, recipient_id=ann.user.id)["code"] == "blocked"


def test_a_block_concerns_direct_conversations_from_one_side(app: Flask, make: Factory) -> None:
    """What is not sent as a message, such as the hint that somebody types, is checked by the same rule."""
    ann, bob, eve = make.user(), make.user(), make.user()
    make.block(ann, bob)
    with app.app_context():
        for user, place in (
            (ann, f"dm:{ann.id}:{bob.id}"),
            (eve, f"dm:{ann.id}:{eve.id}"),
            (bob, f"dm:{bob.id}:{eve.id}"),
            (bob, "lobby"),
        ):
            check_not_blocked(user.id, resolve_conversation(user.id, place))
        with pytest.raises(Blocked):
            check_not_blocked(bob.id, resolve_conversation(bob.id, f"dm:{ann.id}:{bob.id}"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": " \t\n\u2003"}, "content"),
        ({"content": "x" * 4001}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"content": "\ud800"}, "content"),
        ({"content": None}, "content"),
        ({"content": 7}, "content"),
        ({"content": ["x"]}, "content"),
        ({"room_id": 0}, "room_id"),
        ({"room_id": -1}, "room_id"),
        ({"room_id": 2**63}, "room_id"),
        ({"room_id": int("9" * 4000)}, "room_id"),
        ({"room_id": "1"}, "room_id"),
        ({"room_id": 1.0}, "room_id"),
        ({"room_id": True}, "room_id"),
        ({"parent_id": 0}, "parent_id"),
        ({"client_message_id": ""}, "client_message_id"),
        ({"client_message_id": "x" * 65}, "client_message_id"),
        ({"surprise": 1}, "surprise"),
        ({"sender_id": 1}, "sender_id"),
        ({"room_id": 1, "recipient_id": 1}, "room_id"),
        ({"room_id": 1, "conversation_id": "lobby"}, "conversation_id"),
    ],
)
def test_errors_name_the_invalid_field_of_a_send(make: Factory, body: dict[str, Any], field: str) -> None:
    problem = send(make.client(), 422, **body)
    assert problem["code"] == "validation_failed"
    assert field in problem["errors"]


def test_content_of_every_kind_is_kept_as_sent(make: Factory) -> None:
    ann = make.client()
    for content in ("x" * 4000, "😀" * 4000, "é́\u202e\x01\x7f", "{{7*7}}", "%_\\", "' OR 1=1 --", "<script>"):
        assert send(ann, content=content)["content"] == content
        assert ann.get("/api/chat/messages?limit=1").get_json()[0]["content"] == content


class TestReplies:
    def test_a_reply_changes_its_parent(self, make: Factory) -> None:
        ann = make.client()
        parent = send(ann)
        reply = send(ann, parent_id=parent["id"])
        assert (reply["parent_id"], reply["seq"], reply["modseq"]) == (parent["id"], 2, 2)
        changed = ann.get(f"/api/chat/messages/{parent['id']}").get_json()
        assert (changed["reply_count"], changed["modseq"], changed["seq"]) == (1, 3, 1)
        assert send(ann)["modseq"] == 4

    def test_the_parent_must_be_in_the_same_conversation(self, make: Factory) -> None:
        ann = make.client()
        parent = send(ann)
        problem = send(ann, 422, parent_id=parent["id"], recipient_id=ann.user.id)
        assert "parent_id" in problem["errors"]

    def test_a_hidden_parent_is_not_found(self, make: Factory) -> None:
        ann, eve = make.client(), make.client()
        hidden = send(ann, room_id=make.room(ann, is_public=False)["id"])
        public = send(ann, room_id=make.room(ann)["id"])
        note = send(ann, recipient_id=ann.user.id)
        for parent_id in (hidden["id"], public["id"], note["id"], 999_999, 2**63 - 1):
            assert send(eve, 404, parent_id=parent_id)["code"] == "not_found"


class TestMentions:
    def test_each_user_is_mentioned_once_in_order(self, make: Factory) -> None:
        ann, bob = make.user("ann"), make.user("bob.smith")
        client = make.client()
        message = send(client, content="@bob.smith, @ann and again @bob.smith.")
        assert message["mentions"] == [bob.id, ann.id]
        assert client.get(f"/api/chat/messages/{message['id']}").get_json()["mentions"] == [bob.id, ann.id]

    def test_an_email_address_is_not_a_mention(self, make: Factory) -> None:
        make.user("name.example")
        make.user("ann")
        message = send(make.client(), content="a@name.example x.y+z@ann @@ann /@ann -@ann @nobody @")
        assert message["mentions"] == []

    def test_only_users_who_can_see_the_message_are_mentioned(self, make: Factory) -> None:
        ann, bob = make.client(make.user("ann")), make.client(make.user("bob"))
        make.user("eve")
        room = make.room(ann, "r", bob)
        assert send(ann, content="@bob @eve", room_id=room["id"])["mentions"] == [bob.user.id]
        assert send(ann, content="@bob @eve @ann", recipient_id=bob.user.id)["mentions"] == [bob.user.id, ann.user.id]
