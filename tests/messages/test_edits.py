"""Edits: the new content, its history and mentions, and permissions."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from backend.models import MessageEdit
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import MESSAGES, edit, get, head, published, send, user_id
from tests.races import at_once


def history(client: Client, message: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    response = client.get(f"{MESSAGES}/{message['id']}/history{query}")
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def test_an_edit_replaces_the_content_and_keeps_the_seq(make: Factory) -> None:
    ann = make.client()
    first, second = send(ann, "one", client_message_id="k"), send(ann, "two")
    response = edit(ann, first, "one, edited")
    assert response.status_code == 200
    edited = response.get_json()
    assert edited["content"] == "one, edited"
    assert (edited["seq"], edited["modseq"]) == (first["seq"], second["modseq"] + 1)
    assert edited["edited_at"] is not None
    assert edited["client_message_id"] == "k"
    unchanged = set(edited) - {"content", "modseq", "edited_at"}
    assert {name: edited[name] for name in unchanged} == {name: first[name] for name in unchanged}
    assert get(ann, first) == edited


def test_the_event_contains_the_whole_message(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, client_message_id="k")
    events = published(app, monkeypatch)
    edit(ann, message, "edited")
    [event] = events
    assert (event.type, event.modseq, event.author_id) == ("message.updated", 2, user_id(ann))
    assert event.author_only == {"client_message_id": "k"}
    seen = get(ben, message)
    assert {name: event.body["message"][name] for name in ("content", "modseq", "client_message_id")} == {
        name: seen[name] for name in ("content", "modseq", "client_message_id")
    }


def test_earlier_versions_are_listed_oldest_first(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, "one")
    assert history(ann, message) == []
    edits = [edit(ann, message, content).get_json() for content in ("two", "three")]
    versions = history(ben, message)
    assert [version["content"] for version in versions] == ["one", "two"]
    assert [version["edited_at"] for version in versions] == [each["edited_at"] for each in edits]
    assert [version["content"] for version in history(ben, message, "?skip=1")] == ["two"]


def test_the_pages_of_a_history_are_linked(make: Factory) -> None:
    ann = make.client()
    message, other = send(ann, "0"), send(ann, "other")
    for n in range(1, 4):
        edit(ann, message, str(n))
        edit(ann, other, f"other {n}")
    seen, path = [], f"{MESSAGES}/{message['id']}/history?limit=2"
    while path:
        response = ann.get(path)
        seen.append([version["content"] for version in response.get_json()])
        path = response.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == [["0", "1"], ["2"]]


def test_an_edit_to_the_same_content_changes_nothing(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    message = send(ann)
    events = published(app, monkeypatch)
    response = edit(ann, message, message["content"])
    assert (response.status_code, response.get_json()) == (200, message)
    assert (events, head(app, "lobby"), history(ann, message)) == ([], message["modseq"], [])


def test_an_edit_of_an_outdated_version_is_a_conflict(make: Factory) -> None:
    ann = make.client()
    message = send(ann)
    second = edit(ann, message, "second", modseq=message["modseq"]).get_json()
    for modseq in (message["modseq"], second["modseq"] + 1):
        response = edit(ann, message, "third", modseq=modseq)
        assert (response.status_code, response.get_json()["code"]) == (409, "edit_conflict")
    assert get(ann, message)["content"] == "second"
    assert edit(ann, message, "third", modseq=second["modseq"]).status_code == 200
    assert edit(ann, message, "fourth", modseq=None).status_code == 200


def test_concurrent_edits_of_one_version_conflict(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann)
    responses = at_once([lambda n=n: edit(ann, message, f"edit {n}", modseq=1) for n in range(6)])
    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409, 409, 409]
    assert len(history(ann, message)) == 1


@pytest.mark.parametrize("where", ["room", "dm"])
def test_only_the_sender_may_edit(make: Factory, where: str) -> None:
    owner, ann, stranger = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann)
    place = {"room_id": room["id"]} if where == "room" else {"recipient_id": user_id(owner)}
    message = send(ann, **place)
    assert edit(owner, message, "x").status_code == 403
    response = edit(stranger, message, "x")
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")
    assert get(ann, message) == message


def test_a_former_member_may_not_edit(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    message = send(ann, room_id=room["id"])
    ann.post(f"/api/rooms/{room['id']}/leave")
    assert edit(ann, message, "x").status_code == 404


def test_a_blocked_user_may_not_edit_a_direct_message(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, recipient_id=user_id(ben))
    make.block(ben.user, ann.user)  # type: ignore[attr-defined]
    response = edit(ann, message, "through the block")
    assert (response.status_code, response.get_json()["code"]) == (403, "blocked")
    assert get(ben, message)["content"] == "hello"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"content": ""}, {"content": " \n\t"}, {"content": "x" * 4001}, {"content": None}, {"content": 1},
        {"content": "a\x00b"}, {"content": "\ud800"}, {"content": "x", "unknown": 1}, {"content": "x", "modseq": -1},
        {"content": "x", "modseq": 2**63}, {"content": "x", "modseq": "1"}, {"content": "x", "modseq": 1.5},
    ],
    ids=repr,
)  # fmt: skip
def test_bad_edits_are_refused(make: Factory, body: dict[str, Any]) -> None:
    ann = make.client()
    message = send(ann)
    response = ann.patch(f"{MESSAGES}/{message['id']}", body)
    assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")
    assert get(ann, message) == message


@pytest.mark.parametrize("id_", ["999999", str(2**63), "0"])
def test_an_unknown_message_is_not_found(make: Factory, id_: str) -> None:
    assert make.client().patch(f"{MESSAGES}/{id_}", {"content": "x"}).status_code == 404


def test_an_edit_updates_the_mentions(make: Factory) -> None:
    owner, ann, ben, stranger = make.client(), make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann, ben)
    names = {name: client.user.username for name, client in (("ann", ann), ("ben", ben), ("stranger", stranger))}  # type: ignore[attr-defined]
    message = send(owner, f"@{names['ann']}", room_id=room["id"])
    assert message["mentions"] == [user_id(ann)]
    edited = edit(owner, message, f"@{names['ben']} @{names['stranger']}").get_json()
    assert edited["mentions"] == get(ben, message)["mentions"] == [user_id(ben)]

    def mention_count(client: Client) -> int:
        rows = {row["id"]: row for row in client.get("/api/chat/conversations").get_json()}
        return int(rows[room["conversation_id"]]["mention_count"])

    assert (mention_count(ann), mention_count(ben)) == (0, 1)
    assert edit(owner, message, "nobody").get_json()["mentions"] == []
    assert mention_count(ben) == 0


def test_a_repeated_send_returns_the_edited_message(make: Factory) -> None:
    ann = make.client()
    message = send(ann, client_message_id="k")
    edited = edit(ann, message, "edited").get_json()
    response = ann.post("/api/chat/send", {"content": "hello", "client_message_id": "k"})
    assert (response.status_code, response.get_json()) == (200, edited)


def test_sync_returns_the_edited_message_once(make: Factory) -> None:
    ann = make.client()
    message = send(ann)
    send(ann, "other")
    edited = edit(ann, message, "edited").get_json()
    answer = ann.post("/api/chat/sync", {"conversations": {"lobby": 2}}).get_json()
    [row] = answer["conversations"]
    assert (row["last_modseq"], row["messages"]) == (3, [edited])


def test_concurrent_edits_keep_every_version(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann, "0")
    at_once([lambda n=n: edit(ann, message, str(n)) for n in range(1, 13)])
    last = get(ann, message)
    assert last["modseq"] == head(app, "lobby") == 13
    assert sorted([*(version["content"] for version in history(ann, message)), last["content"]], key=int) == [
        str(n) for n in range(13)
    ]
    with app.app_context():
        assert db.session.query(MessageEdit).count() == 12
