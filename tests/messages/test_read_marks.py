"""Whom a read mark concerns: which messages become `is_read`, who gets events, and what two devices of a user do at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.models import ConversationEntry
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import MESSAGES, published, send, user_id
from tests.races import hold_row

CONVERSATIONS = "/api/chat/conversations"


def mark(client: Client, conversation_id: str, what: str, seq: int) -> dict[str, Any]:
    response = client.post(f"{CONVERSATIONS}/{conversation_id}/{what}", {"seq": seq})
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def read_seqs(client: Client, conversation_id: str) -> list[int]:
    """The seqs of the messages that *client* sees as read."""
    messages = client.get(f"{MESSAGES}?conversation_id={conversation_id}").get_json()
    return sorted(message["seq"] for message in messages if message["is_read"])


def test_a_mark_makes_only_received_messages_read(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    for sender, recipient in ((ann, ben), (ben, ann), (ann, ben), (ben, ann)):
        name = send(sender, recipient_id=user_id(recipient))["conversation_id"]
    mark(ben, name, "read", 4)
    assert read_seqs(ann, name) == read_seqs(ben, name) == [1, 3], "the own messages of the reader stay unread"
    mark(ann, name, "read", 2)
    assert read_seqs(ann, name) == read_seqs(ben, name) == [1, 2, 3]


def test_a_mark_makes_only_messages_of_its_conversation_read(make: Factory) -> None:
    ann, ben, cal = make.client(), make.client(), make.client()
    names = [send(sender, recipient_id=user_id(ben))["conversation_id"] for sender in (ann, cal)]
    mark(ben, names[0], "read", 1)
    assert (read_seqs(ben, names[0]), read_seqs(ben, names[1])) == ([1], [])
    rows = {row["id"]: row for row in ben.get(CONVERSATIONS).get_json()}
    assert [rows[name]["unread_count"] for name in names] == [0, 1]


def test_no_message_of_a_room_or_the_lobby_becomes_read(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    room = make.room(ann, "room", ben)
    for address in ({"room_id": room["id"]}, {}):
        for sender in (ann, ben):
            message = send(sender, **address)
        mark(ben, message["conversation_id"], "read", message["seq"])
        assert read_seqs(ann, message["conversation_id"]) == []


def test_a_mark_that_does_not_move_has_no_event(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = make.client(), make.client()
    [name] = {send(ann, recipient_id=user_id(ben))["conversation_id"] for _ in range(3)}
    mark(ben, name, "read", 2)
    events = published(app, monkeypatch)
    for seq in (0, 1, 2):
        assert mark(ben, name, "read", seq)["last_read_seq"] == 2
    mark(ben, name, "unread", 3)
    assert events == []
    mark(ben, name, "read", 3)
    assert sorted(event.type for event in events) == ["inbox.updated", "read"]


@pytest.mark.parametrize("who_blocks", ["the reader", "the sender", "nobody"])
def test_a_user_who_is_blocked_does_not_learn_what_the_blocker_reads(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, who_blocks: str
) -> None:
    ann, ben = make.client(), make.client()
    name = send(ann, recipient_id=user_id(ben))["conversation_id"]
    if who_blocks != "nobody":
        users: list[Any] = [ben.user, ann.user] if who_blocks == "the reader" else [ann.user, ben.user]  # type: ignore[attr-defined]
        make.block(*users)
    events = published(app, monkeypatch)
    mark(ben, name, "read", 1)
    [event] = [event for event in events if event.type == "read"]
    to_reader_only = (None, user_id(ben))
    assert (event.conversation_id, event.user_id) == (to_reader_only if who_blocks == "the reader" else (name, None))


@pytest.mark.parametrize(("what", "others", "seq", "ends"), [("read", 5, 3, 5), ("read", 3, 5, 5), ("unread", 1, 4, 1)])
def test_two_marks_at_once(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, what: str, others: int, seq: int, ends: int
) -> None:
    """The second one starts from the mark that the first one set: a read mark moves forward only, an unread mark back only."""
    ann, ben = make.client(), make.client()
    [name] = {send(ann, recipient_id=user_id(ben))["conversation_id"] for _ in range(5)}
    mark(ben, name, "read", 5 if what == "unread" else 1)
    events = published(app, monkeypatch)
    with hold_row(app, ConversationEntry, user_id=user_id(ben), conversation_id=name) as held:
        marked = held.start(lambda: mark(ben, name, what, seq))
        held.wait_until_blocked()
        held.execute(
            update(ConversationEntry)
            .where(ConversationEntry.user_id == user_id(ben), ConversationEntry.conversation_id == name)
            .values(last_read_seq=others)
        )
        held.release()
        assert marked.result(30)["last_read_seq"] == ends
    assert [event.body["last_read_seq"] for event in events if event.type == "inbox.updated"] == [ends] * (seq == ends)
    assert ben.get(CONVERSATIONS).get_json()[0]["last_read_seq"] == ends


def test_two_settings_at_once(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make.client()
    events = published(app, monkeypatch)
    with hold_row(app, ConversationEntry, user_id=user_id(ann), conversation_id="lobby") as held:
        muted = held.start(lambda: ann.patch(f"{CONVERSATIONS}/lobby", {"is_muted": True}))
        held.wait_until_blocked()
        held.execute(update(ConversationEntry).where(ConversationEntry.user_id == user_id(ann)).values(is_pinned=True))
        held.release()
        assert muted.result(30).status_code == 200
    [event] = events
    assert (event.body["is_muted"], event.body["is_pinned"]) == (True, True)
