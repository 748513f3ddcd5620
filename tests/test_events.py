"""Events on the bus between workers of two adjacent releases."""

from __future__ import annotations

import json

import pytest

from backend.events import Event, block_event, connected_event, message_event, opened_event, revoked_event, room_event

PREVIOUS_FIELDS = {"type", "body", "conversation_id", "user_id", "modseq", "author_id", "private", "origin"}

EVENTS = [
    message_event("message.created", {"conversation_id": "lobby", "modseq": 1, "sender_id": 2}, "key"),
    connected_event(1, "phone", "uid", 5.0),
    opened_event("room:1", 2),
    revoked_event(3),
    block_event(4, 5),
    room_event("control.room_updated", "room:1", updated_at="2026-01-01T00:00:00Z"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_event_is_unchanged_by_the_bus(event: Event) -> None:
    assert Event.from_wire(json.loads(json.dumps(event.to_wire()))) == event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_the_previous_release_understands_events_of_this_one(event: Event) -> None:
    wire = event.to_wire()
    assert set(wire) == PREVIOUS_FIELDS
    assert not wire["type"].startswith("control.")


def test_this_release_understands_events_of_the_previous_and_the_next() -> None:
    wire = {"body": {}, "user_id": 3}
    previous = Event.from_wire({**wire, "type": "hub.revoked", "origin": "uid", "private": None})
    following = Event.from_wire(
        {**wire, "type": "control.credentials_revoked", "source_connection": "uid", "author_only": None}
    )
    assert previous == following == Event("control.credentials_revoked", {}, user_id=3, source_connection="uid")


@pytest.mark.parametrize("wire", [{}, {"type": "typing"}, {"type": "typing", "body": {}, "unknown": 1}])
def test_invalid_events_are_refused(wire: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        Event.from_wire(wire)
