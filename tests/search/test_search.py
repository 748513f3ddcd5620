"""GET /api/chat/search, on both databases."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from sqlalchemy import text

from backend.models.base import db
from backend.search.documents import Document
from backend.search.index import index_messages
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries


def search(client: Client, q: str, **filters: Any) -> list[dict[str, Any]]:
    response = client.get(f"/api/chat/search?{urlencode({'q': q, **filters}, quote_via=quote)}")
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def found(client: Client, q: str, **filters: Any) -> list[str]:
    return [message["content"] for message in search(client, q, **filters)]


def say(client: Client, content: str, **where: Any) -> dict[str, Any]:
    response = client.post("/api/chat/send", {"content": content, **where})
    assert response.status_code == 201, response.get_data()
    return response.get_json()


def attach(app: Flask, message: dict[str, Any], filename: str) -> None:
    with app.app_context():
        db.session.execute(
            text(
                "INSERT INTO attachments (user_id, message_id, filename, content_type, size, storage_key) "
                "VALUES (:user, :message, :filename, 'text/plain', 1, :filename)"
            ),
            {"user": message["sender_id"], "message": message["id"], "filename": filename},
        )
        db.session.execute(text("UPDATE messages SET has_extras = true WHERE id = :id"), {"id": message["id"]})
        document = Document(message["id"], message["conversation_id"], message["content"], [filename])
        index_messages(db.session.connection(), [document])
        db.session.commit()


@pytest.fixture
def ann(make: Factory) -> Client:
    return make.client(make.user("ann"))


def test_a_message_is_found_as_soon_as_its_send_is_answered(ann: Client) -> None:
    sent = say(ann, "Un Café, s’il vous plaît")
    [message] = search(ann, "cafe")
    assert message == sent | {"highlights": [[3, 4]], "client_message_id": None}


def test_newest_first_with_pages(ann: Client) -> None:
    for number in range(5):
        say(ann, f"number {number}")
    assert found(ann, "number", limit=2) == ["number 4", "number 3"]
    response = ann.get("/api/chat/search?q=number&limit=2")
    assert 'rel="next"' in response.headers["Link"]
    assert "skip=2" in response.headers["Link"]
    assert found(ann, "number", skip=4, limit=2) == ["number 0"]
    assert "Link" not in ann.get("/api/chat/search?q=number&limit=5").headers


def test_hidden_messages_are_not_found(make: Factory, ann: Client) -> None:
    bob, eve = make.client(), make.client()
    room = make.room(ann, "room", bob)
    say(ann, "secret in a room", room_id=room["id"])
    say(ann, "secret between two", recipient_id=bob.user.id)  # type: ignore[attr-defined]
    say(ann, "secret in the lobby")
    assert found(bob, "secret") == ["secret in the lobby", "secret between two", "secret in a room"]
    assert found(eve, "secret") == ["secret in the lobby"]
    assert bob.post(f"/api/rooms/{room['id']}/leave").status_code in (200, 204)
    assert found(bob, "secret") == ["secret in the lobby", "secret between two"]


def test_filter_by_conversation(make: Factory, ann: Client) -> None:
    bob, eve = make.client(), make.client()
    room = make.room(ann, "room", bob, is_public=False)
    say(ann, "hello room", room_id=room["id"])
    say(ann, "hello lobby")
    assert found(bob, "hello", conversation_id=room["conversation_id"]) == ["hello room"]
    assert found(bob, "hello", conversation_id="lobby") == ["hello lobby"]
    for name in (room["conversation_id"], "room:999999", f"dm:{ann.user.id}:{bob.user.id}"):  # type: ignore[attr-defined]
        assert eve.get(f"/api/chat/search?q=hello&conversation_id={name}").status_code == 404


def test_filter_by_sender(make: Factory, ann: Client) -> None:
    bob = make.client()
    say(ann, "hello from ann")
    say(bob, "hello from bob")
    assert found(ann, "hello", sender_id=bob.user.id) == ["hello from bob"]  # type: ignore[attr-defined]
    assert found(ann, "hello", sender_id=999_999) == []


def test_filter_by_time(ann: Client) -> None:
    times = [say(ann, f"at {number}")["created_at"] for number in range(3)]
    assert found(ann, "at", before=times[1]) == ["at 0"]
    assert found(ann, "at", after=times[1]) == ["at 2"]
    assert found(ann, "at", after=times[0], before=times[2]) == ["at 1"]
    assert found(ann, "at", after=times[1].replace("Z", "+00:00")) == ["at 2"]
    assert found(ann, "at", before="0001-01-01T00:00:00Z") == []
    assert found(ann, "at", before=times[1].lower()) == ["at 0"], "RFC 3339 allows t and z"


def test_the_link_to_the_next_page_keeps_the_times(ann: Client) -> None:
    last = [say(ann, f"at {number}") for number in range(3)][-1]["created_at"]
    response = ann.get(f"/api/chat/search?q=at&limit=1&after=2020-01-01T00:00:00Z&before={last}")
    address = response.headers["Link"].partition("<")[2].partition(">")[0]
    assert [message["content"] for message in ann.get(address).get_json()] == ["at 0"]


def test_words_in_filenames_are_found(app: Flask, ann: Client) -> None:
    message = say(ann, "see the report")
    attach(app, message, "Budget 2026.pdf")
    say(ann, "the report without a file")
    [hit] = search(ann, "budget rep")
    assert (hit["id"], hit["highlights"]) == (message["id"], [[8, 6]])
    assert search(ann, '"budget 2026" pd')[0]["highlights"] == []
    assert found(ann, '"report budget"') == []
    assert found(ann, "report", has="attachment") == ["see the report"]
    assert found(ann, "without", has="attachment") == []


def test_many_scripts(ann: Client) -> None:
    texts = [
        "我家在上海东边。",
        "バッタと鈴虫",
        "재검색어를",
        "ภาษาไทยน้ำ",
        "Straße",
        "مَكْتَب",
        "हिन्दी",
        "to be or not to be",
    ]
    for content in texts:
        say(ann, content)
    for q, content in [
        ("上海", texts[0]),
        ("海东边", texts[0]),
        ("东", texts[0]),
        ("鈴虫", texts[1]),
        ("색어", texts[2]),
        ("ไทย", texts[3]),
        ("STRASSE", texts[4]),
        ("مكتب", texts[5]),
        ("हिन्दी", texts[6]),
        ('"or not to"', texts[7]),
    ]:
        assert found(ann, q) == [content], q
    for q in ("上东", "虫鈴", '"not or"', "ottob"):
        assert found(ann, q) == [], q


BAD = [
    "/api/chat/search",
    "/api/chat/search?q=",
    "/api/chat/search?q=" + "x" * 201,
    "/api/chat/search?q=" + "%F0%9F%98%80" * 201,
    "/api/chat/search?q=" + "+".join(["word"] * 10_000),
    "/api/chat/search?q=%00",
    "/api/chat/search?q=a%00b",
    "/api/chat/search?q=a&has=everything",
    "/api/chat/search?q=a&before=yesterday",
    "/api/chat/search?q=a&before=2026-01-01",
    "/api/chat/search?q=a&after=2026-01-01T00:00:00",
    "/api/chat/search?q=a&after=0001-01-01T00:00:00%2B23:00",
    "/api/chat/search?q=a&sender_id=0",
    "/api/chat/search?q=a&sender_id=x",
    "/api/chat/search?q=a&sender_id=" + "9" * 4000,
    "/api/chat/search?q=a&skip=10001",
    "/api/chat/search?q=a&limit=0",
    "/api/chat/search?q=a&limit=101",
]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path[:60])
def test_bad_queries_are_refused(ann: Client, path: str) -> None:
    response = ann.get(path)
    assert response.status_code == 422
    assert response.get_json()["code"] == "validation_failed"


HARMLESS = [
    '"', '""', '"""', "“", "'", "''", "*", "(", ")", "((", "AND", "OR NOT", "NEAR(", "a NEAR/2 b", "^", ":", "a:*", "-", "-x",
    "!", "&", "|", "<->", "a <2> b", "\\", "\\'", "%", "_", ";", "--", "/*", "🎉", "\u200b", "\u0301", "\u202e",
    "\uffff", "\U0010ffff", "{", "[", "+", "@room:1", "@@", "'' | '@lobby'", '" * ( AND NEAR', "x" * 200, '"' * 200, "上" * 200,
    "ﷺ" * 200, "a " * 100, '"a" ' * 50, "\n\t\r", "\ufdfb", "ß" * 200,
]  # fmt: skip


def test_no_input_is_an_error(make: Factory, ann: Client) -> None:
    say(ann, "wholly")
    for q in HARMLESS:
        assert found(ann, q) == [], q


def test_punctuation_around_words_is_ignored(ann: Client) -> None:
    say(ann, "-x and (y)")
    for q in ("-x", "x", '"x', "x*", "(x", "y)", '"and y"', "NEAR x"[5:]):
        assert found(ann, q) == ["-x and (y)"], q
    assert found(ann, "x OR y") == []


def test_lone_surrogates_are_refused_or_replaced(ann: Client) -> None:
    assert ann.get("/api/chat/search?q=%ED%A0%80").status_code in (200, 400, 422)


def test_a_search_takes_a_constant_number_of_queries(app: Flask, make: Factory, ann: Client) -> None:
    counts = []
    for _ in range(2):
        for number in range(20):
            say(ann, f"hello {number}")
        with count_queries(app) as queries:
            assert len(found(ann, "hello", limit=100)) in (20, 40)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_after_an_edit_only_the_new_text_is_found(app: Flask, ann: Client) -> None:
    message = say(ann, "the first text")
    attach(app, message, "notes.txt")
    edit = {"content": "the second text"}
    assert ann.patch(f"/api/chat/messages/{message['id']}", edit).status_code == 200
    assert found(ann, "first") == []
    assert found(ann, "second notes") == ["the second text"]


@pytest.mark.parametrize("how", ["", "?hard=true"])
def test_a_deleted_message_is_not_found(app: Flask, ann: Client, how: str) -> None:
    message = say(ann, "uncommonword")
    say(ann, "another")
    assert ann.delete(f"/api/chat/messages/{message['id']}{how}").status_code == 204
    assert found(ann, "uncommonword") == []
    assert ann.delete(f"/api/chat/messages/{message['id']}?hard=true").status_code == 204
    with app.app_context():
        statement = text("SELECT count(*) FROM message_search WHERE message_id = :id")
        assert db.session.scalar(statement, {"id": message["id"]}) == 0


def test_messages_of_a_deleted_room_are_not_found(app: Flask, make: Factory, ann: Client) -> None:
    room = make.room(ann, "room")
    say(ann, "uncommonword", room_id=room["id"])
    assert ann.delete(f"/api/rooms/{room['id']}").status_code == 204
    assert found(ann, "uncommonword") == []
    with app.app_context():
        assert db.session.scalar(text("SELECT count(*) FROM message_search")) == 0
        assert db.session.scalar(text("SELECT count(*) FROM search_blocks")) == 0


def test_search_requires_a_token(client: Client) -> None:
    assert client.get("/api/chat/search?q=a").status_code == 401
