"""client_message_id: a send can be repeated at any time."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from backend.models import Conversation, Message
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once


def test_a_repeated_send_returns_the_first_message(make: Factory) -> None:
    ann = make.client()
    body = {"content": "@" + ann.user.username, "client_message_id": "k1"}
    first = ann.post("/api/chat/send", body)
    again = ann.post("/api/chat/send", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()
    assert first.get_json()["client_message_id"] == "k1"
    assert first.get_json()["mentions"] == [ann.user.id]
    assert len(ann.get("/api/chat/messages").get_json()) == 1


def test_another_body_is_a_conflict(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    first = ann.post("/api/chat/send", {"content": "one", "client_message_id": "k1"}).get_json()
    others: list[dict[str, Any]] = [{"content": "two"}, {"recipient_id": bob.user.id}, {"parent_id": first["id"]}]
    for other in others:
        response = ann.post("/api/chat/send", {"content": "one", "client_message_id": "k1"} | other)
        assert (response.status_code, response.get_json()["code"]) == (409, "idempotency_conflict")


def test_the_key_of_a_wiped_message_is_not_free_for_another_conversation(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    body = {"content": "one", "client_message_id": "k1"}
    first = ann.post("/api/chat/send", body).get_json()
    assert ann.delete(f"/api/chat/messages/{first['id']}?hard=true").status_code == 204
    others: list[dict[str, Any]] = [{"recipient_id": bob.user.id}, {"parent_id": first["id"]}]
    for other in others:
        response = ann.post("/api/chat/send", body | other)
        assert (response.status_code, response.get_json()["code"]) == (409, "idempotency_conflict")
    again = ann.post("/api/chat/send", body)
    assert (again.status_code, again.get_json()["id"], again.get_json()["content"]) == (200, first["id"], "")


def test_keys_of_different_senders_are_independent(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    one = ann.post("/api/chat/send", {"content": "x", "client_message_id": "k"}).get_json()
    two = bob.post("/api/chat/send", {"content": "x", "client_message_id": "k"}).get_json()
    assert one["id"] != two["id"]


def test_other_users_do_not_see_the_key(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    sent = ann.post("/api/chat/send", {"content": "x", "client_message_id": "secret"}).get_json()
    assert bob.get(f"/api/chat/messages/{sent['id']}").get_json()["client_message_id"] is None


def test_a_repeat_may_use_another_address_of_the_conversation(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    body = {"content": "x", "client_message_id": "k"}
    one = ann.post("/api/chat/send", body | {"recipient_id": bob.user.id})
    two = ann.post("/api/chat/send", body | {"conversation_id": one.get_json()["conversation_id"]})
    assert (one.status_code, two.status_code) == (201, 200)


def test_a_repeat_is_answered_after_the_sender_left_the_room(make: Factory) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "r", bob)
    body = {"content": "x", "client_message_id": "k", "room_id": room["id"]}
    first = bob.post("/api/chat/send", body).get_json()
    bob.post(f"/api/rooms/{room['id']}/leave")
    assert bob.post("/api/chat/send", body).get_json() == first | {"modseq": first["seq"]}


@pytest.mark.parametrize("address", ["lobby", "dm"])
def test_fifty_concurrent_repeats_make_one_row(app: Flask, make: Factory, address: str) -> None:
    ann, bob = make.user(), make.user()
    body: dict[str, Any] = {"content": "once", "client_message_id": "k"}
    if address == "dm":
        body["recipient_id"] = bob.id
    token = make.token(ann)
    clients = [Client(app, token) for _ in range(50)]
    responses = at_once([lambda client=client: client.post("/api/chat/send", body) for client in clients])
    answers = [(response.status_code, response.get_json().get("id")) for response in responses]

    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({id_ for _, id_ in answers}) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Message)) == 1
        conversation = db.session.get_one(Conversation, "lobby" if address == "lobby" else f"dm:{ann.id}:{bob.id}")
        assert (conversation.last_seq, conversation.last_modseq) == (1, 1)
