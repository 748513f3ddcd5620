"""`flask messages verify` finds each inconsistency between the rows that belong to a message."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import text

from backend.inbox import consistency, consistency_counts
from backend.models.base import db
from tests.attachments.conftest import uploaded
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import MESSAGES, delete, fill_a_block, react, send, user_id
from tests.messages.test_verification import verify


@dataclass
class Talk:
    """A room of ann and ben. Its messages are pinned (1), a reply (2), deleted (3), with @room (4), and with a file (5)."""

    ann: Client
    ben: Client
    name: str
    ids: list[int]

    def fill_in(self, line: str) -> str:
        """Put the names of *line* in place: of the room's conversation, of ben, and of messages by their seqs."""
        names = {f"m{seq}": id_ for seq, id_ in enumerate(self.ids, 1)}
        return line.format(room=self.name, ben=user_id(self.ben), **names)


@pytest.fixture
def talk(make: Factory) -> Talk:
    ann, ben = make.client(), make.client()
    room = make.room(ann, "room", ben)
    where = {"room_id": room["id"]}
    pinned = send(ann, f"hello @{ben.user.username}", **where)  # type: ignore[attr-defined]
    assert ann.put(f"{MESSAGES}/{pinned['id']}/pin").status_code == 200
    react(ben, pinned, "👍")
    reply = send(ben, "hello", parent_id=pinned["id"], **where)
    deleted = send(ann, "hello", **where)
    delete(ann, deleted)
    to_room = send(ann, "hello @room", **where)
    with_file = send(ann, "hello", attachment_ids=[uploaded(ann)["id"]], **where)
    return Talk(ann, ben, room["conversation_id"], [m["id"] for m in (pinned, reply, deleted, to_room, with_file)])


def run(app: Flask, statement: str) -> None:
    with app.app_context():
        db.session.execute(text(statement))
        db.session.commit()


def test_a_healthy_database(app: Flask, talk: Talk) -> None:
    assert verify(app)[0] == 0


@pytest.mark.parametrize(
    ("statement", "faults"),
    [
        (
            "UPDATE messages SET has_extras = false WHERE id IN ({m1}, {m5})",
            [
                "{room}: message 1 has mentions, reactions or files, but has_extras is false",
                "{room}: message 5 has mentions, reactions or files, but has_extras is false",
            ],
        ),
        ("UPDATE messages SET reply_count = 5 WHERE id = {m1}", ["{room}: message 1 shows 5 replies, but has 1"]),
        ("UPDATE messages SET parent_id = NULL WHERE id = {m2}", ["{room}: message 1 shows 1 replies, but has 0"]),
        (
            "UPDATE messages SET is_pinned = false WHERE id = {m1}",
            ["{room}: message 1 has a pin, but is not marked as pinned"],
        ),
        ("DELETE FROM pins", ["{room}: message 1 is marked as pinned, but has no pin"]),
        ("UPDATE pins SET conversation_id = 'lobby'", ["{room}: message 1 has a pin in lobby"]),
        (
            "UPDATE message_mentions SET seq = 9",
            ["{room}: message 1 mentions user {ben} in a row that names message 9 of {room}"],
        ),
        (
            "UPDATE message_mentions SET seq = 0",
            [
                "{room}: message 1 mentions user {ben} in a row that names message 0 of {room}",
                "{room}: user {ben} is shown 1 mentions, but has 2",
            ],
        ),
        (
            "UPDATE message_mentions SET conversation_id = 'lobby'",
            [
                "{room}: message 1 mentions user {ben} in a row that names message 1 of lobby",
                "lobby: user {ben} is shown 1 mentions, but has 0",
                "{room}: user {ben} is shown 1 mentions, but has 2",
            ],
        ),
        (
            "UPDATE messages SET mentions_room = true WHERE id = {m3}",
            ["{room}: message 3 is deleted, but has mentions, reactions or files"],
        ),
        (
            "UPDATE reactions SET message_id = {m3}",
            [
                "{room}: message 3 has mentions, reactions or files, but has_extras is false",
                "{room}: message 3 is deleted, but has mentions, reactions or files",
            ],
        ),
    ],
)
def test_each_fault_is_found_and_nothing_else(app: Flask, talk: Talk, statement: str, faults: list[str]) -> None:
    run(app, talk.fill_in(statement))
    code, lines = verify(app)
    assert (code, sorted(lines)) == (1, sorted(map(talk.fill_in, faults)))


INDEX_FAULTS = {
    "another content": "UPDATE messages SET content = 'other' WHERE id = {m1}",
    "a deletion": "UPDATE messages SET deleted_at = created_at WHERE id = {m1}",
    "another file": "UPDATE attachments SET message_id = {m1}",
}
SQLITE_FAULTS = {
    "a missing word": "DELETE FROM search_blocks WHERE term = 'hello'",
    "a word too much": "INSERT INTO search_blocks SELECT block, 'wrong', members FROM search_blocks WHERE term = 'hello'",
    "missing times": "DELETE FROM search_blocks WHERE term = '@@'",
}
POSTGRESQL_FAULTS = {
    "missing words": "DELETE FROM message_search WHERE message_id = {m1}",
    "words too many": "UPDATE message_search SET terms = terms || 'wrong'::tsvector WHERE message_id = {m1}",
    "another conversation": "UPDATE message_search SET conversation_id = 'lobby' WHERE message_id = {m1}",
    "a deleted message": "UPDATE message_search SET message_id = {m3} WHERE message_id = {m1}",
}


ON = {"sqlite": INDEX_FAULTS | SQLITE_FAULTS, "postgresql": INDEX_FAULTS | POSTGRESQL_FAULTS}


@pytest.mark.parametrize(("app", "fault"), [(name, fault) for name in ON for fault in ON[name]], indirect=["app"])
def test_a_wrong_index_of_search(app: Flask, talk: Talk, fault: str) -> None:
    fill_a_block(app, user_id(talk.ann), {"id": talk.ids[0]})
    assert verify(app)[0] == 0
    with app.app_context():
        run(app, talk.fill_in(ON[db.engine.dialect.name][fault]))
    code, lines = verify(app)
    assert (code, talk.fill_in("message {m1} is indexed wrongly for search") in lines) == (1, True)
    assert app.test_cli_runner().invoke(args=["messages", "reindex"]).exit_code == 0
    assert [line for line in verify(app)[1] if "search" in line and "indexed wrongly" in line] == []


def test_everything_is_read_in_pages(app: Flask, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in ((consistency, ["PAGE", "MESSAGES"]), (consistency_counts, ["ENTRIES", "ENTRIES_PER_QUERY"])):
        for name in names:
            monkeypatch.setattr(module, name, 1)
    monkeypatch.setattr(consistency_counts, "MESSAGES", 2)
    assert verify(app)[0] == 0
    run(app, talk.fill_in("UPDATE messages SET reply_count = 5 WHERE id IN ({m1}, {m5})"))
    run(app, "UPDATE message_mentions SET seq = 0")
    result = app.test_cli_runner().invoke(args=["messages", "verify"])
    shown = [line for line in result.stdout.splitlines() if "replies" in line or "is shown" in line]
    expected = [
        "{room}: message 1 shows 5 replies, but has 1",
        "{room}: message 5 shows 5 replies, but has 0",
        "{room}: user {ben} is shown 1 mentions, but has 2",
    ]
    assert shown == [talk.fill_in(line) for line in expected]
    assert "1 conversations, 3 messages" in result.stderr.splitlines()
