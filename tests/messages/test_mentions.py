"""Which users the content of a message mentions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from backend.conversations.references import ConversationRef
from backend.messages import mentions
from backend.models.base import db
from tests.factories import Factory


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("hello", []),
        ("@Ann", [["ann"]]),
        ("@ann, @bob!", [["ann"], ["bob"]]),
        ("@ann.", [["ann.", "ann"]]),
        ("@ann...", [["ann...", "ann..", "ann"]]),
        ("@ann-b.", [["ann-b.", "ann-b"]]),
        ("ann@example.org", []),
    ],
)
def test_a_mention_may_end_before_the_punctuation_of_its_sentence(content: str, expected: list[list[str]]) -> None:
    assert mentions.candidates(content) == expected


def test_the_first_50_mentions_count() -> None:
    content = " ".join(f"@user{number}" for number in range(60))
    assert mentions.candidates(content) == [[f"user{number}"] for number in range(50)]


def test_each_user_is_mentioned_once_under_the_longest_name_that_exists() -> None:
    known = {"ann": 1, "ann.": 2, "bob": 3}
    assert mentions.mentioned_ids("@bob @ann @eve @bob", known) == [3, 1]
    assert mentions.mentioned_ids("@ann.", known) == [2]
    assert mentions.mentioned_ids("@bob.", known) == [3]


def test_only_users_of_the_conversation_can_see_a_message() -> None:
    room = ConversationRef("room:7", "room", room_id=7)
    assert mentions.visible_mentions(room, 1, [1, 2, 3], {(7, 1), (7, 2), (8, 3)}, set()) == [1, 2]
    direct = ConversationRef("dm:1:2", "dm", peer_id=2)
    assert mentions.visible_mentions(direct, 1, [3, 2, 1], set(), set()) == [2, 1]


def test_in_the_lobby_users_are_mentioned_whom_the_directory_shows_to_the_author() -> None:
    lobby = ConversationRef("lobby", "lobby")
    assert mentions.visible_mentions(lobby, 1, [3, 2], set(), None) == [3, 2]
    assert mentions.visible_mentions(lobby, 1, [4, 3, 2], set(), {(1, 2), (1, 4), (2, 3)}) == [4, 2]
    assert mentions.visible_mentions(lobby, 1, [3, 2], set(), set()) == []


def test_named_users_are_found_whatever_the_number_of_names(app: Flask, make: Factory) -> None:
    """The first and the last of more names than one statement has are users."""
    first, last, gone = make.user("a0000"), make.user("z9999"), make.user("gone")
    make.user("bystander")
    contents = [" ".join(f"@name{part}-{number}" for number in range(50)) for part in range(12)]
    with app.app_context():
        connection = db.session.connection()
        found = mentions.find_named(connection, [*contents, "@A0000 @gone", "@z9999. @a0000"])
        assert found["@z9999. @a0000"] == [last.id, first.id]
        assert found["@A0000 @gone"] == [first.id, gone.id]
        assert not any(found[content] for content in contents)
        assert mentions.find_named(connection, ["@nobody", "hello"]) == {}


def test_a_deleted_user_is_not_mentioned(app: Flask, make: Factory) -> None:
    make.user("gone", deleted_at=datetime(2026, 1, 1, tzinfo=UTC))
    with app.app_context():
        assert mentions.find_mentioned(db.session.connection(), ["@gone"]) == {}


def test_a_statement_has_at_most_500_names() -> None:
    class Recorder:
        sizes: list[int] = []  # noqa: RUF012

        def execute(self, statement: Any) -> list[Any]:
            self.sizes.append(len(statement.compile().params["username_key_1"]))
            return []

    recorder: Any = Recorder()
    contents = [" ".join(f"@name{part}-{number}" for number in range(50)) for part in range(21)]
    assert mentions.find_mentioned(recorder, contents) == {}
    assert recorder.sizes == [500, 500, 50]
