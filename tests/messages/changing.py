"""Helpers for tests of edits, deletions, reactions and pins."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Flask
from werkzeug.test import TestResponse

from backend.conversations.references import ConversationRef
from backend.events import Event
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.models import Conversation
from backend.models.base import db
from backend.search.sqlite import BLOCK
from backend.state import confab_state
from tests.client import Client

MESSAGES = "/api/chat/messages"


def user_id(client: Client) -> int:
    return int(client.user.id)  # type: ignore[attr-defined]


def send(client: Client, content: str = "hello", **body: Any) -> dict[str, Any]:
    response = client.post("/api/chat/send", {"content": content, **body})
    assert response.status_code == 201, response.get_data()
    return response.get_json()


def edit(client: Client, message: dict[str, Any], content: str, **body: Any) -> TestResponse:
    return client.patch(f"{MESSAGES}/{message['id']}", {"content": content, **body})


def delete(client: Client, message: dict[str, Any], *, hard: bool = False) -> TestResponse:
    return client.delete(f"{MESSAGES}/{message['id']}{'?hard=true' if hard else ''}")


def react(client: Client, message: dict[str, Any], emoji: str) -> TestResponse:
    return client.put(f"{MESSAGES}/{message['id']}/reactions/{quote(emoji)}")


def unreact(client: Client, message: dict[str, Any], emoji: str) -> TestResponse:
    return client.delete(f"{MESSAGES}/{message['id']}/reactions/{quote(emoji)}")


def get(client: Client, message: dict[str, Any]) -> dict[str, Any]:
    response = client.get(f"{MESSAGES}/{message['id']}")
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def head(app: Flask, conversation_id: str) -> int:
    """Return the last modseq of a conversation."""
    with app.app_context():
        conversation = db.session.get(Conversation, conversation_id)
        assert conversation is not None
        return conversation.last_modseq


def published(app: Flask, monkeypatch: Any) -> list[Event]:
    """Return a list that collects the events published from now on."""
    events: list[Event] = []
    monkeypatch.setattr(confab_state(app).bus, "publish", events.extend)
    return events


def fill_a_block(app: Flask, sender_id: int, message: dict[str, Any]) -> None:
    """Send other messages until SQLite has indexed the block of *message*: it indexes whole blocks."""
    lobby = ConversationRef("lobby", "lobby")
    last_id = message["id"]
    with app.app_context():
        while last_id // BLOCK == message["id"] // BLOCK:
            sent = append_messages([Draft(sender_id, lobby, f"filler {n}") for n in range(256)])[-1]
            assert isinstance(sent, Sent)
            last_id = sent.message["id"]
