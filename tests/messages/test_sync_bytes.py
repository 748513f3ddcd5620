"""Answers of /sync that are full: whatever the limit in bytes, a client that asks until nothing is truncated misses nothing."""

from __future__ import annotations

import pytest

from backend.inbox import sync as syncing
from tests.factories import Factory
from tests.messages.changing import send, user_id
from tests.messages.test_sync_budget import answers


@pytest.mark.parametrize("max_bytes", [1, 700, 1_000, 2_000, 4_000, 8_000])
def test_every_change_is_sent_whatever_the_limit(
    make: Factory, monkeypatch: pytest.MonkeyPatch, max_bytes: int
) -> None:
    """Memberships and messages alternate in the first room, and the others have one message each."""
    monkeypatch.setattr(syncing, "MAX_BYTES", max_bytes)
    ann = make.client()
    people = [make.client() for _ in range(5)]
    mixed, *others = (make.room(ann, f"room {n}") for n in range(4))
    for n, person in enumerate(people):
        send(ann, f"number {n}", room_id=mixed["id"])
        ann.put(f"/api/rooms/{mixed['id']}/members/{user_id(person)}")
    for room in others:
        send(ann, "x" * 500, room_id=room["id"])
    messages: dict[str, list[str]] = {}
    members: dict[str, set[int]] = {}
    pages = 0
    for _, answer in answers(ann, {}):
        pages += 1
        count = sum(len(row["messages"]) + len(row["members"]) for row in answer["conversations"])
        assert count > 0, "each answer brings the client forward"
        for row in answer["conversations"]:
            messages.setdefault(row["id"], []).extend(each["content"] for each in row["messages"])
            members.setdefault(row["id"], set()).update(each["user_id"] for each in row["members"])
    assert messages[mixed["conversation_id"]] == [f"number {n}" for n in range(5)]
    assert members[mixed["conversation_id"]] == {user_id(client) for client in (ann, *people)}
    assert [messages[room["conversation_id"]] for room in others] == [["x" * 500]] * 3
    assert pages > 1 or max_bytes > 4_000
