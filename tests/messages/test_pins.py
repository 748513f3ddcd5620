"""Pins: permissions, and the list of pinned messages."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import Factory
from tests.messages.changing import MESSAGES, delete, edit, get, head, published, react, send, unreact, user_id


def pin_path(message: dict[str, object]) -> str:
    return f"{MESSAGES}/{message['id']}/pin"


def test_an_admin_pins_and_unpins(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    message = send(ann, room_id=room["id"])
    events = published(app, monkeypatch)
    response = owner.put(pin_path(message))
    assert (response.status_code, response.get_json()["is_pinned"]) == (200, True)
    assert owner.put(pin_path(message)).get_json() == response.get_json()
    assert get(ann, message)["is_pinned"]
    assert owner.delete(pin_path(message)).get_json()["is_pinned"] is False
    assert owner.delete(pin_path(message)).status_code == 200
    assert [(event.type, event.body["message"]["is_pinned"]) for event in events] == [
        ("message.updated", True),
        ("message.updated", False),
    ]
    assert head(app, room["conversation_id"]) == get(ann, message)["modseq"]


def test_who_may_pin(make: Factory) -> None:
    owner, ann, stranger = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann)
    message = send(ann, room_id=room["id"])
    assert ann.put(pin_path(message)).status_code == 403
    assert stranger.put(pin_path(message)).status_code == 404
    assert ann.put(pin_path(send(ann))).status_code == 403, "the lobby has no admin"
    direct = send(ann, recipient_id=user_id(owner))
    assert owner.put(pin_path(direct)).status_code == 200
    assert ann.delete(pin_path(direct)).status_code == 200


def test_a_blocked_user_may_not_pin_a_direct_message(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message, pinned = (send(ann, recipient_id=user_id(ben)) for _ in range(2))
    assert ann.put(pin_path(pinned)).status_code == 200
    make.block(ben.user, ann.user)  # type: ignore[attr-defined]
    for response in (ann.put(pin_path(message)), ann.delete(pin_path(pinned))):
        assert (response.status_code, response.get_json()["code"]) == (403, "blocked")
    assert [get(ben, each)["is_pinned"] for each in (message, pinned)] == [False, True]
    assert ben.put(pin_path(message)).status_code == 200, "the other side may"


def test_pinned_messages_are_listed(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    messages = [send(ann, str(n), room_id=room["id"]) for n in range(6)]
    direct = send(ann, "direct", recipient_id=user_id(owner))
    pinned = [messages[1], messages[2], messages[4]]
    for message in (*pinned, direct):
        owner.put(pin_path(message))

    def listed(query: str) -> list[str]:
        response = ann.get(f"{MESSAGES}?{query}")
        assert response.status_code == 200, response.get_data()
        return [message["content"] for message in response.get_json()]

    in_room = f"room_id={room['id']}"
    assert listed(f"pinned=true&{in_room}") == ["4", "2", "1"]
    assert listed("pinned=true") == ["direct", "4", "2", "1"]
    assert listed(f"pinned=true&{in_room}&after=2") == ["2", "4"]
    assert listed(f"pinned=true&{in_room}&before=5") == ["2", "1"]
    assert listed(f"pinned=true&{in_room}&around=3&limit=3") == ["4", "2", "1"]
    assert listed(f"pinned=true&{in_room}&skip=1&limit=1") == ["2"]
    assert len(listed(f"pinned=false&{in_room}")) == 6
    assert ann.get(f"/api/rooms/{room['id']}/messages?pinned=true").get_json() == [get(ann, m) for m in pinned[::-1]]
    delete(ann, messages[2])
    assert listed(f"pinned=true&{in_room}") == ["4", "1"]
    ann.post(f"/api/rooms/{room['id']}/leave")
    assert listed("pinned=true") == ["direct"]


def test_another_change_of_a_pinned_message_leaves_it_in_the_list(make: Factory) -> None:
    ann = make.client()
    room = make.room(ann)
    message = send(ann, room_id=room["id"])
    ann.put(pin_path(message))
    for change, value in ((edit, "edited"), (react, "👍"), (unreact, "👍")):
        changed = change(ann, message, value).get_json()
        assert changed["is_pinned"]
        assert ann.get(f"{MESSAGES}?pinned=true").get_json() == [changed]


@pytest.mark.parametrize("value", ["", "1", "maybe"])
def test_pinned_must_be_true_or_false(make: Factory, value: str) -> None:
    assert make.client().get(f"{MESSAGES}?pinned={value}").status_code == 422
