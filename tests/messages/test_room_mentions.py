"""`@room`: an admin mentions every member of the room."""

from __future__ import annotations

import pytest

from backend.messages.mentions import names_room
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import delete, edit, get, send, user_id


@pytest.mark.parametrize(
    "content", ["@room", "hello @room", "@ROOM!", "@room.", "(@room)", "@room, please", "@room\nnext", "@room…"]
)
def test_content_that_mentions_the_room(content: str) -> None:
    assert names_room(content)


@pytest.mark.parametrize(
    "content",
    ["room", "@roomy", "me@room", "@@room", "@room-mates", "@room.example", "/@room", "@roomé", "@rooms", "x.@room"],
)
def test_content_that_does_not_mention_the_room(content: str) -> None:
    assert not names_room(content)


def mention_count(client: Client, conversation_id: str) -> int:
    rows = {row["id"]: row for row in client.get("/api/chat/conversations").get_json()}
    return int(rows[conversation_id]["mention_count"])


def test_a_room_mention_counts_once_for_each_member(make: Factory) -> None:
    owner, ann, ben = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann, ben)
    name = room["conversation_id"]
    message = send(owner, f"@room and @{ann.user.username}", room_id=room["id"])  # type: ignore[attr-defined]
    assert (message["mentions_room"], message["mentions"]) == (True, [user_id(ann)])
    assert get(ben, message)["mentions_room"] is True
    assert [mention_count(client, name) for client in (owner, ann, ben)] == [0, 1, 1]
    ann.post(f"/api/chat/conversations/{name}/read", {"seq": message["seq"]})
    assert [mention_count(client, name) for client in (owner, ann, ben)] == [0, 0, 1]
    ann.post(f"/api/chat/conversations/{name}/unread", {"seq": message["seq"]})
    assert mention_count(ann, name) == 1


def test_edits_and_deletions_update_a_room_mention(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    name = room["conversation_id"]
    message = send(owner, "hello", room_id=room["id"])
    assert (message["mentions_room"], mention_count(ann, name)) == (False, 0)
    assert edit(owner, message, "hello @room").get_json()["mentions_room"] is True
    assert mention_count(ann, name) == 1
    assert edit(owner, message, "hello roomies").get_json()["mentions_room"] is False
    assert mention_count(ann, name) == 0
    edit(owner, message, "@room")
    delete(owner, message)
    assert (get(ann, message)["mentions_room"], mention_count(ann, name)) == (False, 0)


def test_only_admins_mention_the_room_and_only_in_rooms(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    assert send(ann, "@room", room_id=room["id"])["mentions_room"] is False
    assert send(owner, "@room")["mentions_room"] is False
    assert send(owner, "@room", recipient_id=user_id(ann))["mentions_room"] is False
    assert mention_count(owner, room["conversation_id"]) == 0


def test_only_admins_mention_the_room_by_an_edit(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    for address in ({"room_id": room["id"]}, {}, {"recipient_id": user_id(owner)}):
        message = send(ann, "hello", **address)
        assert edit(ann, message, "hello @room").get_json()["mentions_room"] is False
        assert get(owner, message)["mentions_room"] is False
    assert mention_count(owner, room["conversation_id"]) == 0


def test_a_former_admin_does_not_mention_the_room(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    path = f"/api/rooms/{room['id']}/members/{user_id(ann)}"
    owner.patch(path, {"is_admin": True})
    assert send(ann, "@room", room_id=room["id"])["mentions_room"] is True
    owner.patch(path, {"is_admin": False})
    assert send(ann, "@room", room_id=room["id"])["mentions_room"] is False


def test_a_member_who_joins_later_is_not_mentioned(make: Factory) -> None:
    owner, late = make.client(), make.client()
    room = make.room(owner)
    send(owner, "@room", room_id=room["id"])
    owner.put(f"/api/rooms/{room['id']}/members/{user_id(late)}")
    assert mention_count(late, room["conversation_id"]) == 0


def test_only_the_edit_of_an_admin_mentions_the_room(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    message = send(ann, "hello", room_id=room["id"])
    assert edit(ann, message, "hello @room").get_json()["mentions_room"] is False
    owner.patch(f"/api/rooms/{room['id']}/members/{user_id(ann)}", {"is_admin": True})
    assert edit(ann, message, "hello again, @room").get_json()["mentions_room"] is True
    owner.patch(f"/api/rooms/{room['id']}/members/{user_id(ann)}", {"is_admin": False})
    assert edit(ann, message, "hello once more, @room").get_json()["mentions_room"] is False
    assert mention_count(owner, room["conversation_id"]) == 0
