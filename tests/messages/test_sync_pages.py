"""`sync_page`, as `resume` uses it: the first page has all conversations, and each further one continues the one before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson
import pytest
from flask import Flask

from backend.inbox import sync as syncing
from backend.inbox.sync import SyncPage, sync_page
from backend.models import User
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import send, user_id
from tests.queries import count_parameters


@pytest.fixture(autouse=True)
def two_in_one_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncing, "IN_ONE_QUERY", 2)


def pages(app: Flask, client: Client, seen: Mapping[str, int], max_bytes: int) -> Iterator[SyncPage]:
    """Every page from *seen* on. A test may act between two."""
    with app.app_context():
        user = db.session.get_one(User, user_id(client))
        page = sync_page(user, seen, max_bytes)
        yield page
        while page.next:
            db.session.rollback()
            page = sync_page(user, page.next, max_bytes, only=page.next)
            yield page


def contents(found: list[SyncPage]) -> dict[str, list[str]]:
    """The messages of each conversation, in the order of the pages."""
    result: dict[str, list[str]] = {}
    for page in found:
        for row in page.conversations:
            result.setdefault(row["id"], []).extend(message["content"] for message in row["messages"])
    return result


@pytest.mark.parametrize("max_bytes", [1, 2_500, 10_000, 1_000_000])
def test_the_pages_have_every_change_once(app: Flask, make: Factory, max_bytes: int) -> None:
    ann = make.client()
    rooms = [make.room(ann, f"room {n}") for n in range(5)]
    sent = {"lobby": ["hello"]} | {room["conversation_id"]: [f"{n}" for n in range(4)] for room in rooms}
    for name, texts in sent.items():
        for text in texts:
            send(ann, text, conversation_id=name)
    found = list(pages(app, ann, {"room:999999": 1}, max_bytes))
    assert contents(found) == sent
    assert [page.gone for page in found] == [["room:999999"], *[[] for _ in found[1:]]]
    assert (len(found) > 1) is (max_bytes < 1_000_000)
    for page in found:
        changes = sum(len(row["messages"]) + len(row["members"]) for row in page.conversations)
        assert changes == 1 or len(orjson.dumps(page.conversations)) <= max_bytes + len(page.conversations) + 1
    for page in found[:-1]:
        assert page.conversations, "each page brings the client forward"
        assert all(row["id"] in page.next for row in page.conversations if row["truncated"])


def test_the_first_page_has_unchanged_conversations_too(app: Flask, make: Factory) -> None:
    ann = make.client()
    room = make.room(ann)
    changed, unchanged = send(ann), room["conversation_id"]
    [page] = pages(app, ann, {unchanged: 1, "lobby": 0}, 1_000_000)
    assert [(row["id"], len(row["messages"])) for row in page.conversations] == [
        (changed["conversation_id"], 1),
        (unchanged, 0),
    ]


def test_a_further_page_has_only_the_conversations_that_were_left(app: Flask, make: Factory) -> None:
    """A conversation that appears meanwhile has events of its own. One that the user left is in no page."""
    ann, ben = make.client(), make.client()
    rooms = [make.room(ben, f"room {n}", ann) for n in range(4)]
    for room in rooms:
        send(ben, "x" * 1_000, room_id=room["id"])
    reading = pages(app, ann, {}, 3_000)
    first = next(reading)
    left_out = [room for room in rooms if room["conversation_id"] in first.next]
    assert len(left_out) >= 2
    new = make.room(ben, "new", ann)
    ann.post(f"/api/rooms/{left_out[0]['id']}/leave")
    send(ben, "later", room_id=left_out[1]["id"])
    found = [first, *reading]
    shown = contents(found)
    assert new["conversation_id"] not in shown
    assert left_out[0]["conversation_id"] not in shown
    assert shown[left_out[1]["conversation_id"]] == ["x" * 1_000, "later"]


def test_a_statement_names_only_so_many_conversations(app: Flask, make: Factory) -> None:
    """SQLite refuses an expression of more than 1,000 terms."""
    ann = make.client()
    seen = {make.room(ann, f"room {n}")["conversation_id"]: 1 for n in range(7)}
    with app.app_context():
        user = db.session.get_one(User, user_id(ann))
        with count_parameters(app) as counts:
            page = sync_page(user, seen, 1_000_000, only=seen)
    assert {row["id"] for row in page.conversations} == seen.keys()
    assert counts[:4] == [*[counts[0]] * 3, counts[0] - 1], "of seven, two at a time"
