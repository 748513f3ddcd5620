"""On SQLite the index of a block has a limited size, so that no message can block the server while it is written."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import text, update

from backend.models import Message
from backend.models.base import db
from backend.search import sqlite
from backend.search.documents import Document
from backend.search.index import index_messages
from backend.search.sqlite import BLOCK, MAX_TERMS, index_after_send
from tests.search.corpus import Corpus

LONG = 100


def long_messages(first: int, count: int) -> list[dict[str, Any]]:
    """Messages of `LONG` characters, which have no term in common except `end`."""
    contents = ["".join(chr(0x4E00 + number * LONG + at) for at in range(LONG)) + " end" for number in range(count)]
    return [
        {"id": first + number, "room": number % 2, "sender": 0, "content": content, "filenames": []}
        for number, content in enumerate(contents)
    ]


def terms_of_block() -> int:
    with db.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM search_blocks WHERE block = 0")) or 0)


@pytest.fixture
def corpus(corpora: list[Corpus], monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """On SQLite, with room for the terms of three long messages in a block."""
    monkeypatch.setattr(sqlite, "MAX_TERMS", 5 * LONG)
    return corpora[0]


def test_messages_for_which_a_block_has_no_room_are_found_by_their_texts(corpus: Corpus) -> None:
    messages = long_messages(1, 30)
    newest = {"id": 3 * BLOCK, "room": 0, "sender": 0, "content": "end", "filenames": []}
    with corpus.app.app_context():
        corpus.write([*messages, newest], {}, set())
        assert terms_of_block() < 8 * LONG, "of the 6,000 terms"
        for message in messages:
            pair, missing = message["content"][5:7], message["content"][5] + message["content"][7]
            assert corpus.search(pair) == [message["id"]]
            assert corpus.search(missing) == []
            assert corpus.search(f"{pair} en") == [message["id"]], "with a prefix"
        assert corpus.search("end") == [newest["id"], *(message["id"] for message in reversed(messages))]
        room = corpus.rooms[1]
        assert corpus.search("en", conversation_id=room) == [m["id"] for m in reversed(messages) if m["room"] == 1]
        assert corpus.wrongly_indexed() == []


def test_editing_messages_does_not_fill_a_block_beyond_its_limit(corpus: Corpus) -> None:
    """Of ten brief messages each becomes a long one, then one of them brief again, which makes room."""
    messages = [message | {"content": "brief"} for message in long_messages(1, 10)]
    contents = [message["content"] for message in long_messages(1, 10)]
    newest = {"id": 3 * BLOCK, "room": 0, "sender": 0, "content": "end", "filenames": []}
    with corpus.app.app_context():
        corpus.write([*messages, newest], {}, set())
        for message, content in zip(messages, contents, strict=True):
            edit(corpus, message, content)
        assert terms_of_block() < 8 * LONG
        edit(corpus, messages[0], "brief")
        edit(corpus, messages[9], contents[0])
        assert [corpus.search(content[5:7]) for content in contents] == [[10], *([n] for n in range(2, 10)), []]
        assert corpus.search("brief") == [1]
        assert corpus.wrongly_indexed() == []


def edit(corpus: Corpus, message: dict[str, Any], content: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(update(Message).where(Message.id == message["id"]).values(content=content))
        document = Document(message["id"], corpus.rooms[message["room"]], content)
        index_messages(connection, [document])


def test_a_thousand_long_messages_take_little_room_in_the_index(corpora: list[Corpus]) -> None:
    """With the real limit: of two million terms a block has a twentieth, and each message can be found."""
    chance = random.Random(1)
    alphabet = [chr(0x4E00 + number) for number in range(20_000)]
    contents = ["".join(chance.choices(alphabet, k=2_000)) for _ in range(1, BLOCK)]
    corpus = corpora[0]
    with corpus.app.app_context():
        corpus.empty()
        with db.engine.begin() as connection:
            for message_id, content in enumerate([*contents, "begins the next block"], 1):
                message = {"id": message_id, "room": 0, "sender": 0, "content": content, "filenames": []}
                corpus.put(connection, message)
            index_after_send(connection, [BLOCK])
        assert MAX_TERMS <= terms_of_block() < MAX_TERMS + 5_000
        for message_id in (1, 500, BLOCK - 1):
            assert corpus.search(contents[message_id - 1][10:14]) == [message_id]
        corpus.empty()
