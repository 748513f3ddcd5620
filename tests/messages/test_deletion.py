"""Deletion: the tombstone, what a hard deletion removes, and permissions."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import MetaData, select

from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import MESSAGES, delete, edit, get, head, published, react, send, user_id


def test_a_deleted_message_becomes_a_tombstone(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, f"secret @{ben.user.username}", client_message_id="k")  # type: ignore[attr-defined]
    edit(ann, message, f"still secret @{ben.user.username}")  # type: ignore[attr-defined]
    react(ben, message, "👍")
    response = delete(ann, message)
    assert (response.status_code, response.get_data()) == (204, b"")
    tombstone = get(ben, message)
    assert (tombstone["content"], tombstone["reactions"], tombstone["mentions"]) == ("", [], [])
    assert tombstone["deleted_at"] is not None
    assert (tombstone["seq"], tombstone["modseq"]) == (1, 4)
    assert ben.get(f"{MESSAGES}/{message['id']}/history").get_json() == []
    assert ben.get(MESSAGES).get_json() == [tombstone]


@pytest.mark.parametrize("hard", [False, True])
def test_the_event_and_sync_report_the_deletion(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, hard: bool
) -> None:
    ann = make.client()
    message = send(ann)
    events = published(app, monkeypatch)
    delete(ann, message, hard=hard)
    [event] = events
    assert (event.type, event.modseq, event.body["message"]["content"]) == ("message.deleted", 2, "")
    [row] = ann.post("/api/chat/sync", {"conversations": {"lobby": 1}}).get_json()["conversations"]
    assert row["messages"] == [get(ann, message)]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_repeating_a_deletion_changes_nothing(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, first: bool, again: bool
) -> None:
    ann = make.client()
    message = send(ann)
    delete(ann, message, hard=first)
    tombstone = get(ann, message)
    events = published(app, monkeypatch)
    assert delete(ann, message, hard=again).status_code == 204
    assert (events, head(app, "lobby"), get(ann, message)) == ([], 2, tombstone)


def words_in(app: Flask, word: str) -> list[str]:
    """Return the tables that contain *word* in any column."""
    with app.app_context():
        tables = MetaData()
        tables.reflect(db.engine)
        return [
            table.name
            for table in tables.sorted_tables
            if any(word in str(value) for row in db.session.execute(select(table)) for value in row)
        ]


def test_a_hard_deletion_removes_the_content_from_all_tables(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann, "xylophone one")
    edit(ann, message, "xylophone two")
    assert "messages" in words_in(app, "xylophone")
    delete(ann, message, hard=True)
    assert words_in(app, "xylophone") == []


def test_a_hard_deletion_after_a_soft_deletion_removes_the_content(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann, "xylophone one")
    edit(ann, message, "xylophone two")
    delete(ann, message)
    assert words_in(app, "xylophone") == ["messages", "message_edits"]
    delete(ann, message, hard=True)
    assert words_in(app, "xylophone") == []


def test_who_may_delete(make: Factory) -> None:
    owner, ann, ben, stranger = make.client(), make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann, ben)
    message = send(ann, room_id=room["id"])
    assert delete(ben, message).status_code == 403
    assert delete(stranger, message).status_code == 404
    assert get(ann, message)["deleted_at"] is None
    assert delete(owner, message).status_code == 204


def test_the_recipient_of_a_direct_message_may_not_delete_it(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, recipient_id=user_id(ben))
    assert delete(ben, message).status_code == 403
    make.block(ben.user, ann.user)  # type: ignore[attr-defined]
    assert delete(ann, message).status_code == 204, "a blocked user may delete their own message"


def test_a_former_admin_may_not_delete(make: Factory) -> None:
    owner, ann, ben = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann, ben)
    path = f"/api/rooms/{room['id']}/members/{user_id(ben)}"
    owner.patch(path, {"is_admin": True})
    owner.patch(path, {"is_admin": False})
    assert delete(ben, send(ann, room_id=room["id"])).status_code == 403


def test_a_tombstone_cannot_be_changed(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, recipient_id=user_id(ben))
    delete(ann, message)
    for response in (
        edit(ann, message, "x"),
        react(ben, message, "👍"),
        ben.delete(f"{MESSAGES}/{message['id']}/reactions/%F0%9F%91%8D"),
        ben.put(f"{MESSAGES}/{message['id']}/pin"),
        ben.delete(f"{MESSAGES}/{message['id']}/pin"),
    ):
        assert (response.status_code, response.get_json()["code"]) == (409, "message_deleted")


@pytest.mark.parametrize("value", ["", "1", "yes", "hard"])
def test_hard_must_be_true_or_false(make: Factory, value: str) -> None:
    ann = make.client()
    message = send(ann)
    assert ann.delete(f"{MESSAGES}/{message['id']}?hard={value}").status_code == 422


def test_a_repeated_send_returns_the_tombstone(make: Factory) -> None:
    ann = make.client()
    body = {"content": "hello", "client_message_id": "k"}
    message = ann.post("/api/chat/send", body).get_json()
    delete(ann, message, hard=True)
    response = ann.post("/api/chat/send", body)
    assert (response.status_code, response.get_json()) == (200, get(ann, message))


def test_unread_counts_exclude_deleted_messages(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    messages = [send(ann, recipient_id=user_id(ben)) for _ in range(3)]

    def unread(client: Client) -> int:
        rows = {row["id"]: row for row in client.get("/api/chat/conversations").get_json()}
        return int(rows[messages[0]["conversation_id"]]["unread_count"])

    assert unread(ben) == 3
    delete(ann, messages[1])
    assert unread(ben) == 2
    delete(ann, messages[2], hard=True)
    assert unread(ben) == 1
