"""Reactions: Unicode emoji, each at most once per user, and at most 50 different emoji on a message."""

from __future__ import annotations

import random
from typing import Any

import emoji
import pytest
from flask import Flask

from backend.errors import ValidationFailed
from backend.messages.change_types import Change, Changed
from backend.messages.changes import change_messages
from backend.messages.emojis import parse_emoji
from backend.messages.reactions import AddReaction, RemoveReaction
from tests.factories import Factory
from tests.messages.changing import MESSAGES, get, head, published, react, send, unreact, user_id
from tests.queries import count_queries
from tests.races import at_once

GOOD = ["👍", "❤️", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇸🇪", "👍🏽", "1️⃣", "#️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "©️", "🫠", "👩🏿‍🚀"]
BAD = ["a", "1", "#", "👍👍", "👍x", " 👍", "🏽", "🇸", ":thumbsup:", "‍", "️", "❤️️", "x" * 5000, "👍\n"]


@pytest.mark.parametrize("text", GOOD)
def test_an_emoji_is_added_and_removed(make: Factory, text: str) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, client_message_id="k")
    response = react(ben, message, text)
    assert response.status_code == 200
    reacted = response.get_json()
    assert reacted["reactions"] == [{"emoji": text, "count": 1, "user_ids": [user_id(ben)]}]
    assert (reacted["modseq"], reacted["client_message_id"]) == (2, None)
    assert get(ann, message)["reactions"] == reacted["reactions"]
    response = unreact(ben, message, text)
    assert (response.status_code, response.get_json()["reactions"], response.get_json()["modseq"]) == (200, [], 3)


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text[:10]))
def test_other_text_is_refused(make: Factory, text: str) -> None:
    ann = make.client()
    message = send(ann)
    for response in (react(ann, message, text), unreact(ann, message, text)):
        assert (response.status_code, response.get_json()["code"]) == (422, "validation_failed")
        assert "emoji" in response.get_json()["errors"]
    assert get(ann, message) == message


@pytest.mark.parametrize("path", ["%00", "%FF%FE", "%ED%A0%80", "%F0%9F%91%8D%2F%F0%9F%91%8D", "."])
def test_a_malformed_path_is_refused(make: Factory, path: str) -> None:
    ann = make.client()
    message = send(ann)
    assert ann.put(f"{MESSAGES}/{message['id']}/reactions/{path}").status_code in (404, 422)


def test_an_emoji_without_its_variation_selector_is_the_same_emoji(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann)
    react(ann, message, "❤")
    assert react(ben, message, "❤️").get_json()["reactions"] == [
        {"emoji": "❤️", "count": 2, "user_ids": [user_id(ann), user_id(ben)]}
    ]
    assert unreact(ann, message, "❤").get_json()["reactions"][0]["user_ids"] == [user_id(ben)]


def test_every_unicode_emoji_has_one_normalized_form() -> None:
    for text, entry in emoji.EMOJI_DATA.items():
        if entry["status"] == emoji.STATUS["component"]:
            with pytest.raises(ValidationFailed):
                parse_emoji(text)
        else:
            assert parse_emoji(parse_emoji(text)) == parse_emoji(text)
            assert len(parse_emoji(text)) <= 64


def test_a_repeated_reaction_changes_nothing(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make.client()
    message = send(ann)
    reacted = react(ann, message, "👍").get_json()
    events = published(app, monkeypatch)
    assert react(ann, message, "👍").get_json() == reacted
    assert (events, head(app, "lobby")) == ([], 2)
    unreact(ann, message, "👍")
    events.clear()
    assert unreact(ann, message, "👍").status_code == 200
    assert (events, head(app, "lobby")) == ([], 3)


def test_the_event_contains_the_whole_message(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, client_message_id="k")
    events = published(app, monkeypatch)
    react(ben, message, "👍")
    [event] = events
    assert (event.type, event.modseq, event.author_id) == ("message.updated", 2, user_id(ann))
    assert event.body["message"]["reactions"] == [{"emoji": "👍", "count": 1, "user_ids": [user_id(ben)]}]
    assert (event.body["message"]["client_message_id"], event.author_only) == (None, {"client_message_id": "k"})


def test_a_message_has_at_most_50_different_emoji(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann)
    many = [chr(0x1F600 + n) for n in range(51)]
    for text in many[:50]:
        assert react(ann, message, text).status_code == 200
    response = react(ben, message, many[50])
    assert (response.status_code, response.get_json()["code"]) == (409, "too_many_reactions")
    assert react(ben, message, many[0]).status_code == 200
    unreact(ann, message, many[1])
    assert react(ben, message, many[50]).status_code == 200


def test_who_may_react(make: Factory) -> None:
    owner, ann, stranger, blocked = make.client(), make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann)
    message = send(ann, room_id=room["id"])
    assert react(stranger, message, "👍").status_code == 404
    direct = send(ann, recipient_id=user_id(blocked))
    make.block(ann.user, blocked.user)  # type: ignore[attr-defined]
    response = react(blocked, direct, "👍")
    assert (response.status_code, response.get_json()["code"]) == (403, "blocked")


def test_concurrent_reactions_are_all_stored_and_numbered(app: Flask, make: Factory) -> None:
    clients = [make.client() for _ in range(8)]
    message = send(clients[0])
    at_once([lambda c=c, e=e: react(c, message, e) for c in clients for e in ("👍", "🎉")])
    last = get(clients[0], message)
    assert {each["emoji"]: each["count"] for each in last["reactions"]} == {"👍": 8, "🎉": 8}
    assert last["modseq"] == head(app, "lobby") == 17


def test_answers_and_events_of_random_reactions_equal_a_fresh_read(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer and each event equals a read at that moment, including the order of emoji and users."""
    clients = [make.client() for _ in range(4)]
    message = send(clients[0])
    events = published(app, monkeypatch)
    chance = random.Random(7)
    for _ in range(60):
        client, text = chance.choice(clients), chance.choice("👍🎉😀🚀")
        answer = chance.choice([react, react, unreact])(client, message, text).get_json()
        fresh = get(clients[1], message)
        assert answer["reactions"] == fresh["reactions"]
        assert answer["modseq"] == fresh["modseq"] == head(app, "lobby")
        if events:
            assert events[-1].body["message"]["reactions"] == fresh["reactions"]
    assert [event.modseq for event in events] == list(range(2, len(events) + 2))


def test_a_page_with_reactions_takes_a_constant_number_of_queries(app: Flask, make: Factory) -> None:
    ann = make.client()
    counts = []
    for count in (1, 20):
        for _ in range(count):
            react(ann, send(ann), "👍")
        with count_queries(app) as queries:
            page: list[dict[str, Any]] = ann.get(f"{MESSAGES}?conversation_id=lobby").get_json()
        assert all(each["reactions"] for each in page)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_batch_of_changes_reads_the_reactions_once(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    messages = [send(ann), send(ann), send(ann)]
    for message, text in zip(messages, "👍🎉👍", strict=True):
        react(ann, message, text)
    changes: list[Change] = [AddReaction(user_id(ben), message["id"], "👍") for message in messages]
    changes.append(RemoveReaction(user_id(ann), messages[0]["id"], "👍"))
    with app.app_context(), count_queries(app) as queries:
        *_, last = change_messages(changes)
    reads = [query for query in queries if query.startswith(("SELECT", "EXECUTE"))]
    assert len([query for query in reads if "FROM reactions" in query or "confab_derived_fields" in query]) == 1
    assert isinstance(last, Changed)
    assert last.message["reactions"] == [{"emoji": "👍", "count": 1, "user_ids": [user_id(ben)]}]
    assert [{each["emoji"]: each["user_ids"] for each in get(ann, m)["reactions"]} for m in messages] == [
        {"👍": [user_id(ben)]},
        {"🎉": [user_id(ann)], "👍": [user_id(ben)]},
        {"👍": [user_id(ann), user_id(ben)]},
    ]
