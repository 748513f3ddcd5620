"""The index on both databases, compared with a search that reads every text."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from backend.messages.search import index_unindexed
from backend.models.base import db
from backend.search import postgresql, sqlite
from backend.search.sqlite import BLOCK, offsets, pack, unpack
from tests.conftest import wipe
from tests.factories import Factory
from tests.processes import wait_until
from tests.schema.conftest import Database
from tests.search import naive, strategies
from tests.search.corpus import ADOPTED, START, Corpus, sent_at

ids = st.integers(1, 5 * BLOCK) | st.integers(ADOPTED, ADOPTED + BLOCK)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "id": ids,
            "room": st.sampled_from([0, 0, 1, 2, None]),
            "sender": st.integers(0, 1),
            "content": strategies.texts,
            "filenames": st.lists(strategies.texts, max_size=1),
        }
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda message: message["id"],
)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_both_databases_find_what_a_naive_search_finds(corpora: list[Corpus], data: st.DataObject) -> None:
    """Writes, edits and deletes messages inside and outside of the index, then compares queries with all filters.

    On SQLite a block has room for all terms, or for those of a few messages.
    """
    wanted = data.draw(messages)
    edited = {m["id"]: data.draw(strategies.texts) for m in wanted if data.draw(st.integers(0, 3)) == 0}
    removed = {m["id"] for m in wanted if data.draw(st.integers(0, 5)) == 0}
    text_of = data.draw(st.sampled_from(wanted))["content"]
    query = data.draw(strategies.queries_of(text_of))
    filters: dict[str, Any] = {}
    if data.draw(st.booleans()):
        filters["sender"] = data.draw(st.integers(0, 1))
    if data.draw(st.booleans()):
        filters["room"] = data.draw(st.integers(0, 2))
    if data.draw(st.booleans()):
        filters["after"] = START + timedelta(hours=data.draw(st.integers(-1, 8)))
    if data.draw(st.booleans()):
        filters["before"] = START + timedelta(hours=data.draw(st.integers(-1, 8)))
    if data.draw(st.integers(0, 3)) == 0:
        filters["has"] = "attachment"

    present = [m | {"content": edited.get(m["id"], m["content"])} for m in wanted if m["id"] not in removed]
    expected = sorted((m["id"] for m in present if _is_meant(m, query, filters)), reverse=True)
    most = data.draw(st.sampled_from([sqlite.MAX_TERMS, 12]))
    for corpus in corpora:
        with corpus.app.app_context(), mock.patch.object(sqlite, "MAX_TERMS", most):
            corpus.write(wanted, edited, removed)
            assert corpus.search(query, **_arguments(corpus, filters)) == expected, corpus.app
            assert corpus.wrongly_indexed() == [], corpus.app


def _is_meant(message: dict[str, Any], query: str, filters: dict[str, Any]) -> bool:
    at = sent_at(message["id"])
    return (
        message["room"] is not None
        and naive.matches(query, [message["content"], *message["filenames"]])
        and filters.get("sender", message["sender"]) == message["sender"]
        and filters.get("room", message["room"]) == message["room"]
        and ("after" not in filters or at > filters["after"])
        and ("before" not in filters or at < filters["before"])
        and ("has" not in filters or bool(message["filenames"]))
    )


def _arguments(corpus: Corpus, filters: dict[str, Any]) -> dict[str, Any]:
    arguments = {name: value for name, value in filters.items() if name in ("after", "before", "has")}
    if "sender" in filters:
        arguments["sender_id"] = corpus.users[filters["sender"]].id
    if "room" in filters:
        arguments["conversation_id"] = corpus.rooms[filters["room"]]
    return arguments


@given(st.sets(st.integers(0, BLOCK - 1)))
def test_members_are_stored_in_few_bytes(members: set[int]) -> None:
    bits = sum(1 << member for member in members)
    assert unpack(pack(bits)) == bits
    assert offsets(bits) == sorted(members)
    assert len(pack(bits)) <= BLOCK // 8


def test_older_messages_are_found_through_the_index(corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL scans the newest 40,000 messages before it uses the index; here it scans three."""
    monkeypatch.setattr(postgresql, "RECENT", 3)
    monkeypatch.setattr(postgresql, "SAMPLE", 3)
    monkeypatch.setattr(postgresql, "COMMON", 1)
    for corpus in corpora:
        with corpus.app.app_context():
            messages = [
                {"id": n, "room": n % 3, "sender": n % 2, "content": f"word{n % 5} common tail", "filenames": []}
                for n in range(1, 3000, 7)
            ]
            corpus.write(messages, {}, set())
            expected = [m["id"] for m in reversed(messages) if m["content"].startswith("word3")]
            for query in ("word3", "word3 com", "word3 common tai", '"word3 common"', "common word3"):
                assert corpus.search(query) == expected[:100], query
            one = [n for n in expected if n % 3 == 1]
            assert corpus.search("word3 t", conversation_id=corpus.rooms[1]) == one[:100]
            assert corpus.search("word3 t", sender_id=corpus.users[0].id) == [n for n in expected if n % 2 == 0][:100]
            middle = sent_at(expected[len(expected) // 2])
            for query in ("word3", "common tai"):
                found = expected if query == "word3" else [m["id"] for m in reversed(messages)]
                assert corpus.search(query, before=middle) == [n for n in found if sent_at(n) < middle][:100]
                assert corpus.search(query, after=middle) == [n for n in found if sent_at(n) > middle][:100]
                assert corpus.search(query, after=sent_at(messages[-1]["id"])) == []


def test_a_long_message_is_found_by_every_part_of_it(corpora: list[Corpus]) -> None:
    """PostgreSQL stores at most 255 positions of a word, none above 16,383, and no word of more than 2,046 bytes."""
    contents = ["a " * 1990 + "b c", "x" * 4000, "ﷺ" * 3000 + " end", "上" * 3999 + "海", "é" * 200 + "z"]
    queries = [('"a b c"', 0), ('"b c"', 0), ("x" * 200, 1), ("وسلم end", 2), ("上上海", 3), ("é" * 200, 4)]
    for corpus in corpora:
        with corpus.app.app_context():
            for spread in (1, BLOCK):
                ids = [(n + 1) * spread for n in range(len(contents) + 1)]
                made = [
                    {"id": i, "room": 0, "sender": 0, "content": content, "filenames": []}
                    for i, content in zip(ids, [*contents, "behind"], strict=True)
                ]
                corpus.write(made, {}, set())
                for query, number in queries:
                    assert corpus.search(query) == [ids[number]], query[:20]
                assert corpus.search("é" * 199 + '" y') == []
                assert corpus.search('"c a"') == []


def test_a_send_that_begins_a_block_indexes_the_previous_block(sqlite_app: Flask) -> None:
    client = Factory(sqlite_app).client()
    with sqlite_app.app_context():
        for content in ("in the first block", "begins the second", "in the second block"):
            if content == "begins the second":
                db.session.execute(
                    text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'messages'"),
                    {"last": _last_id() // BLOCK * BLOCK + BLOCK - 1},
                )
                db.session.commit()
            assert client.post("/api/chat/send", {"content": content}).status_code == 201
        found = client.get("/api/chat/search?q=block").get_json()
        assert [message["content"] for message in found] == ["in the second block", "in the first block"]
        terms = text("SELECT count(*) FROM search_blocks WHERE term IN ('first', 'second')")
        assert db.session.scalar(terms) == 1, "only the first block is in the index"
        wipe()


def _last_id() -> int:
    return db.session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'messages'")) or 0


def test_a_hard_deletion_leaves_no_term_in_the_file(migrated_sqlite: Database) -> None:
    """The block of the message is in the index, and its other messages can still be found."""
    database = migrated_sqlite
    client = Factory(database.app).client()
    sent = [client.post("/api/chat/send", {"content": f"zebrafish{n} lives"}).get_json() for n in range(3)]
    database.run("UPDATE messages SET id = id + 1000000000")
    database.run(f"UPDATE sqlite_sequence SET seq = {2_000_000 * BLOCK - 1} WHERE name = 'messages'")
    assert client.post("/api/chat/send", {"content": "begins a block"}).status_code == 201
    assert database.one("SELECT count(*) FROM search_blocks WHERE term LIKE 'zebrafish%'") == 3
    assert client.delete(f"/api/chat/messages/{sent[1]['id'] + 1000000000}?hard=true").status_code == 204
    path = Path(str(database.engine.url.database))

    def content() -> bytes:
        return path.read_bytes() + Path(f"{path}-wal").read_bytes()

    wait_until(lambda: b"zebrafish1" not in content(), "the traces to be wiped in the background")
    assert b"zebrafish0" in content()
    assert [m["id"] for m in client.get("/api/chat/search?q=lives").get_json()] == [
        sent[n]["id"] + 1000000000 for n in (2, 0)
    ]


def test_messages_from_a_release_without_the_index_are_found_after_a_sweep(postgresql_app: Flask, wiped: None) -> None:
    client = Factory(postgresql_app).client()
    for content in ("hello one", "hello two"):
        assert client.post("/api/chat/send", {"content": content}).status_code == 201
    with postgresql_app.app_context():
        db.session.execute(text("DELETE FROM message_search"))
        db.session.commit()
        assert client.get("/api/chat/search?q=hello").get_json() == []
        index_unindexed()
        assert len(client.get("/api/chat/search?q=hello").get_json()) == 2


def test_a_command_rebuilds_the_index(migrated: Database) -> None:
    client = Factory(migrated.app).client()
    ids = [client.post("/api/chat/send", {"content": f"hello {n}"}).get_json()["id"] for n in range(4)]
    assert client.delete(f"/api/chat/messages/{ids[0]}").status_code == 204
    with migrated.app.app_context():
        if migrated.engine.dialect.name == "sqlite":
            migrated.run("UPDATE messages SET id = id + 5000 WHERE id > 2")
            for _ in range(2):
                migrated.flask("messages", "reindex")
            migrated.run("UPDATE search_blocks SET members = x'' WHERE term = 'hello'")
        else:
            migrated.run(
                "UPDATE message_search SET terms = ''", f"DELETE FROM message_search WHERE message_id = {ids[1]}"
            )
    assert len(client.get("/api/chat/search?q=hello").get_json()) < 3
    assert "Every message is in the index." in migrated.flask("messages", "reindex")
    assert len(client.get("/api/chat/search?q=hello").get_json()) == 3
