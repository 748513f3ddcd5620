"""Several sends in one transaction: their order, and what one draft has to do with the others."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.conversations.references import resolve_conversation
from backend.errors import NotFound, ValidationFailed
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.messages.mentions import MAX_MENTIONS
from backend.messages.validation import Blocked, IdempotencyConflict
from backend.models import Conversation
from backend.models.base import db, utcnow
from backend.rooms.access import NotAMember
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import delete, edit, get, head, published, react, send, user_id
from tests.queries import count_queries


def draft(client: Client, content: str = "hello", conversation_id: str = "lobby", **fields: Any) -> Draft:
    return Draft(user_id(client), resolve_conversation(user_id(client), conversation_id), content, **fields)


def append(app: Flask, *drafts: Draft) -> list[Any]:
    """The results of *drafts* in one transaction: `Sent`, or errors."""
    with app.app_context():
        return append_messages(drafts)


def test_two_senders_may_use_one_client_message_id(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    first, second = append(app, *(draft(client, "same", client_message_id="k") for client in (ann, ben)))
    assert (first.is_new, second.is_new) == (True, True)
    assert [each.message["sender_id"] for each in (first, second)] == [user_id(ann), user_id(ben)]
    assert [each.message["seq"] for each in (first, second)] == [1, 2]
    again = append(app, *(draft(client, "same", client_message_id="k") for client in (ben, ann)))
    assert [(each.is_new, each.message["seq"]) for each in again] == [(False, 2), (False, 1)]


def test_a_client_message_id_that_is_used_twice(app: Flask, make: Factory) -> None:
    ann = make.client()
    first, again, other, last = append(
        app,
        draft(ann, "one", client_message_id="k"),
        draft(ann, "one", client_message_id="k"),
        draft(ann, "two", client_message_id="k"),
        draft(ann, "three"),
    )
    assert (first.is_new, again.is_new, again.message) == (True, False, first.message)
    assert isinstance(other, IdempotencyConflict)
    assert (last.message["seq"], head(app, "lobby")) == (2, 2)


def test_a_refused_draft_does_not_use_its_client_message_id(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    hidden = send(ben, recipient_id=user_id(ben))
    refused, sent = append(
        app,
        draft(ann, parent_id=hidden["id"], client_message_id="k"),
        draft(ann, client_message_id="k"),
    )
    assert isinstance(refused, NotFound)
    assert (sent.is_new, sent.message["seq"]) == (True, 1)


def test_the_numbers_follow_the_order_of_the_drafts(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = make.client(), make.client()
    room = make.room(ann, "room", ben)["conversation_id"]
    since = head(app, room)
    parents = [send(ann, "parent", client_message_id="k"), send(ben, "parent")]
    events = published(app, monkeypatch)
    results = append(
        app,
        draft(ben, "1", parent_id=parents[1]["id"]),
        draft(ben, "a", room),
        draft(ann, "2", parent_id=parents[0]["id"]),
        draft(ann, "3", "room:999999"),
        draft(ann, "b", room),
        draft(ben, "4", parent_id=parents[0]["id"]),
    )
    sent = [each.message for each in results if isinstance(each, Sent)]
    in_lobby = [message for message in sent if message["conversation_id"] == "lobby"]
    in_room = [message for message in sent if message["conversation_id"] == room]
    assert [(m["content"], m["seq"], m["modseq"]) for m in in_lobby] == [("1", 3, 3), ("2", 4, 4), ("4", 5, 5)]
    assert [(m["content"], m["seq"], m["modseq"]) for m in in_room] == [("a", 1, since + 1), ("b", 2, since + 2)]
    assert [message["id"] for message in sent] == sorted(message["id"] for message in sent)
    for name, modseqs in (("lobby", [3, 4, 5, 6, 7]), (room, [since + 1, since + 2])):
        assert [event.modseq for event in events if event.conversation_id == name] == modseqs
    replied = {e.body["message"]["id"]: e for e in events if e.type == "message.updated"}
    assert {id_: event.body["message"]["reply_count"] for id_, event in replied.items()} == {
        parents[0]["id"]: 2,
        parents[1]["id"]: 1,
    }
    assert replied[parents[0]["id"]].author_only == {"client_message_id": "k"}
    assert replied[parents[0]["id"]].body["message"]["client_message_id"] is None
    assert [get(ben, parent)["modseq"] for parent in parents] == [6, 7]


def test_a_reply_to_a_deleted_message_shows_nothing_of_it(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = make.client(), make.client()
    parent = send(ann, "secret")
    react(ben, parent, "👍")
    delete(ann, parent)
    events = published(app, monkeypatch)
    send(ben, "reply", parent_id=parent["id"])
    [shown] = [event.body["message"] for event in events if event.body["message"]["id"] == parent["id"]]
    for message in (shown, get(ben, parent)):
        assert (message["content"], list(message["reactions"]), message["reply_count"]) == ("", [], 1)
        assert message["deleted_at"] is not None


def test_times_do_not_go_back_when_the_clock_does(app: Flask, make: Factory) -> None:
    """The clock of the worker that sent the last message may be ahead of the clock of this one."""
    ann, ahead = make.client(), utcnow() + timedelta(minutes=5)
    with app.app_context():
        db.session.execute(update(Conversation).where(Conversation.id == "lobby").values(last_message_at=ahead))
        db.session.commit()
    sent = [each.message["created_at"] for each in append(app, draft(ann, "one"), draft(ann, "two"))]
    assert sent == [ahead, ahead]
    assert send(ann, "three")["created_at"] == ahead.isoformat().replace("+00:00", "Z")


def test_a_message_mentions_at_most_50_users(app: Flask, make: Factory) -> None:
    ann, names = make.client(), [f"m{n:02}" for n in range(MAX_MENTIONS + 1)]
    users = [make.user(name) for name in names]
    content = " ".join(f"@{name}" for name in names)
    message = send(ann, content)
    assert (message["content"], message["mentions"]) == (content, [user.id for user in users[:-1]])

    def mention_count(client: Client) -> int:
        [row] = client.get("/api/chat/conversations").get_json()
        return int(row["mention_count"])

    last, last_but_one = (make.client(user) for user in (users[-1], users[-2]))
    assert [mention_count(client) for client in (last_but_one, last)] == [1, 0]
    assert edit(ann, message, f"hello {content}").get_json()["mentions"] == message["mentions"]
    assert edit(ann, message, f"@{names[-1]} {content}").get_json()["mentions"] == [
        users[-1].id,
        *message["mentions"][:-1],
    ]
    assert [mention_count(client) for client in (last_but_one, last)] == [0, 1]


def test_refused_drafts_do_not_fail_the_batch(app: Flask, make: Factory, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal of any kind: none of them rolls the batch back, which would then be appended one by one."""
    caplog.set_level(logging.WARNING)
    owner, ann, ben = make.client(), make.client(), make.client()
    public, hidden = make.room(owner)["conversation_id"], make.room(owner, is_public=False)["conversation_id"]
    parent = send(owner)
    direct = send(ann, recipient_id=user_id(ben), client_message_id="k")["conversation_id"]
    make.block(ben.user, ann.user)  # type: ignore[attr-defined]
    refused = [
        (draft(ann, "x", public), NotAMember),
        (draft(ann, "x", hidden), NotFound),
        (draft(ann, "x", direct), Blocked),
        (draft(ann, "x", direct, client_message_id="k"), IdempotencyConflict),
        (draft(ann, "x", f"dm:{user_id(ann)}:{user_id(ann)}", parent_id=parent["id"]), ValidationFailed),
        (draft(ann, "x", attachment_ids=(2**62,)), NotFound),
    ]
    drafts = [each for index, (bad, _) in enumerate(refused) for each in (draft(ann, f"{index}"), bad)]
    results = append(app, *drafts)
    assert [type(result) for result in results[1::2]] == [error for _, error in refused]
    assert [result.message["seq"] for result in results[::2]] == list(range(2, len(refused) + 2))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("place", "content", "expected"),
    [
        ("lobby", "x", ["users"]),
        ("lobby", "@room", ["users", "users"]),
        ("room", "x", []),
        ("room", "@room", ["room_memberships", "users"]),
        ("direct", "x", ["blocks", "users"]),
        ("own notes", "x", ["users"]),
    ],
)
def test_a_send_reads_only_what_its_draft_needs(
    app: Flask, make: Factory, place: str, content: str, expected: list[str]
) -> None:
    """Each further statement would cost every send a round trip."""
    ann, ben = make.client(), make.client()
    names = {
        "lobby": "lobby",
        "room": make.room(ann)["conversation_id"],
        "direct": send(ann, recipient_id=user_id(ben))["conversation_id"],
        "own notes": send(ann, recipient_id=user_id(ann))["conversation_id"],
    }
    with count_queries(app) as queries:
        [sent] = append(app, draft(ann, content, names[place]))
    assert isinstance(sent, Sent)
    read = [found[1] for query in queries if (found := re.match(r"SELECT .*?FROM (\w+)", query, re.DOTALL))]
    # SQLite reads with statements of its own what PostgreSQL reads together with the lock.
    with_lock = ["conversations", "sqlite_sequence", *(["room_memberships"] if place == "room" else [])]
    is_sqlite = app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    assert sorted(read) == sorted([*expected, *(with_lock if is_sqlite else [])])
