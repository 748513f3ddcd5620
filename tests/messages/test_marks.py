"""Moving read marks back, and the events of inbox settings."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import get, head, published, send, user_id

CONVERSATIONS = "/api/chat/conversations"


def mark(client: Client, conversation_id: str, what: str, seq: int) -> dict[str, Any]:
    response = client.post(f"{CONVERSATIONS}/{conversation_id}/{what}", {"seq": seq})
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def test_a_message_and_all_later_ones_are_unread_again(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    messages = [send(ann, str(n), recipient_id=user_id(ben)) for n in range(5)]
    name = messages[0]["conversation_id"]
    mark(ben, name, "read", 5)
    before = head(app, name)
    row = mark(ben, name, "unread", 3)
    assert (row["last_read_seq"], row["unread_count"]) == (2, 3)
    assert row == ben.get(CONVERSATIONS).get_json()[0]
    assert head(app, name) == before
    assert all(get(ann, message)["is_read"] for message in messages), "is_read of no message is reset"
    assert mark(ben, name, "read", 4)["unread_count"] == 1


def test_the_first_message_can_be_unread(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    name = send(ann, recipient_id=user_id(ben))["conversation_id"]
    mark(ben, name, "read", 1)
    assert mark(ben, name, "unread", 1)["last_read_seq"] == 0


def test_a_seq_after_the_mark_changes_nothing(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = make.client(), make.client()
    for _ in range(4):
        message = send(ann, recipient_id=user_id(ben))
    name = message["conversation_id"]
    mark(ben, name, "read", 2)
    events = published(app, monkeypatch)
    for seq in (3, 4):
        assert mark(ben, name, "unread", seq)["last_read_seq"] == 2
    assert events == []


@pytest.mark.parametrize("body", [{}, {"seq": 0}, {"seq": -1}, {"seq": 2}, {"seq": "1"}, {"seq": None}, {"seq": 2**63}])
def test_an_invalid_seq_is_refused(make: Factory, body: dict[str, Any]) -> None:
    ann = make.client()
    name = send(ann, recipient_id=user_id(ann))["conversation_id"]
    response = ann.post(f"{CONVERSATIONS}/{name}/unread", body)
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")


def test_a_hidden_conversation_is_not_found(make: Factory) -> None:
    ann, ben, stranger = make.client(), make.client(), make.client()
    send(ann, recipient_id=user_id(ben))
    for name in (f"dm:{user_id(ann)}:{user_id(ben)}", "room:999999", f"dm:{user_id(ben)}:{user_id(stranger)}"):
        assert stranger.post(f"{CONVERSATIONS}/{name}/unread", {"seq": 1}).status_code == 404


def test_only_the_sockets_of_the_user_receive_the_event(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = make.client(), make.client()
    name = send(ann, recipient_id=user_id(ben))["conversation_id"]
    mark(ben, name, "read", 1)
    events = published(app, monkeypatch)
    mark(ben, name, "unread", 1)
    assert {event.user_id for event in events} == {user_id(ben)}
    assert {event.type: event.body for event in events} == {
        "inbox.updated": {"conversation_id": name, "is_muted": False, "is_pinned": False, "last_read_seq": 0},
        "read": {"conversation_id": name, "user_id": user_id(ben), "seq": 0},
    }


def test_only_the_sockets_of_the_user_receive_settings(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = make.client(), make.client()
    name = send(ann, recipient_id=user_id(ben))["conversation_id"]
    events = published(app, monkeypatch)
    ben.patch(f"{CONVERSATIONS}/{name}", {"is_muted": True})
    ben.patch(f"{CONVERSATIONS}/{name}", {"is_muted": True})
    mark(ben, name, "read", 1)
    mark(ben, name, "read", 1)
    inbox = [event for event in events if event.type == "inbox.updated"]
    assert [event.user_id for event in inbox] == [user_id(ben)] * 2
    assert [(event.body["is_muted"], event.body["last_read_seq"]) for event in inbox] == [(True, 0), (True, 1)]
