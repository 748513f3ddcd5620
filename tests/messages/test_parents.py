"""The parent of a reply: a message of the same conversation. One that the sender may not see does not exist."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.factories import Factory
from tests.messages.changing import get, head, send, user_id

MISSING, ELSEWHERE = (404, "not_found"), (422, "validation_failed")


@pytest.mark.parametrize(
    ("parent_in", "expected"),
    [
        ("own room", ELSEWHERE),
        ("own dm", ELSEWHERE),
        ("left room", MISSING),
        ("dm of others", MISSING),
    ],
)
def test_a_parent_in_another_conversation_is_refused(
    app: Flask, make: Factory, parent_in: str, expected: tuple[int, str]
) -> None:
    ann, ben, eve = make.client(), make.client(), make.client()
    target = make.room(ann, "target")
    own = make.room(ann, "own", ben)
    left = make.room(ben, "left", ann)
    left_parent = send(ben, room_id=left["id"])
    ann.post(f"/api/rooms/{left['id']}/leave")
    parents = {
        "own room": lambda: send(ben, room_id=own["id"]),
        "own dm": lambda: send(ben, recipient_id=user_id(ann)),
        "left room": lambda: left_parent,
        "dm of others": lambda: send(ben, recipient_id=user_id(eve)),
    }
    parent: dict[str, Any] = parents[parent_in]()
    before = head(app, target["conversation_id"])
    response = ann.post("/api/chat/send", {"content": "x", "room_id": target["id"], "parent_id": parent["id"]})
    assert (response.status_code, response.get_json()["code"]) == expected
    assert head(app, target["conversation_id"]) == before
    if expected == ELSEWHERE:
        assert "parent_id" in response.get_json()["errors"]
        assert get(ann, parent)["reply_count"] == 0
