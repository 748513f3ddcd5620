"""A database with messages for the tests of the index."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Connection, insert, text

from backend.messages.search import search_messages
from backend.models import Message, User
from backend.models.base import db
from backend.pagination import PageRequest
from backend.search.documents import Document
from backend.search.index import check_index, index_messages, index_missing, remove_from_index
from backend.search.sqlite import BLOCK
from tests.factories import Factory

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)

ADOPTED = 10**12
"""The first of the ids behind a gap, as in adopted databases."""


def sent_at(message_id: int) -> datetime:
    """A message with a greater id is not older."""
    number = message_id if message_id < ADOPTED else message_id - ADOPTED + 5 * BLOCK
    return START + timedelta(hours=8 * number // (6 * BLOCK))


class Corpus:
    """A database with generated messages of two users. The first user is a member of all rooms except one."""

    def __init__(self, app: Flask):
        self.app = app
        with app.app_context():
            make = Factory(app)
            self.users = [make.user(), make.user()]
            client = make.client(self.users[0])
            self.rooms = ["lobby", *(make.room(client)["conversation_id"] for _ in range(2))]
            stranger = make.client()
            self.hidden = make.room(stranger, is_public=False)["conversation_id"]
            self.seqs: dict[str, Any] = {name: itertools.count(1000) for name in [*self.rooms, self.hidden]}

    def empty(self) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM message_search"))
            connection.execute(text("DELETE FROM search_blocks"))
            connection.execute(text("DELETE FROM attachments"))
            connection.execute(text("DELETE FROM messages"))

    def put(self, connection: Connection, message: dict[str, Any]) -> None:
        conversation = self.hidden if message["room"] is None else self.rooms[message["room"]]
        seq = next(self.seqs[conversation])
        connection.execute(
            insert(Message).values(
                id=message["id"],
                conversation_id=conversation,
                seq=seq,
                modseq=seq,
                sender_id=self.users[message["sender"]].id,
                content=message["content"],
                created_at=sent_at(message["id"]),
                has_extras=True,
            )
        )
        for filename in message["filenames"]:
            connection.execute(
                text(
                    "INSERT INTO attachments (user_id, message_id, filename, content_type, size, storage_key) "
                    "VALUES (:user, :message, :filename, 'text/plain', 1, :key)"
                ),
                {
                    "user": self.users[0].id,
                    "message": message["id"],
                    "filename": filename,
                    "key": str(next(_numbers)),
                },
            )

    def write(self, wanted: list[dict[str, Any]], edited: dict[int, str], removed: set[int]) -> None:
        """Replace all messages by *wanted*, of which then some are edited and some removed."""
        self.empty()
        with db.engine.begin() as connection:
            for message in sorted(wanted, key=lambda message: message["id"]):
                self.put(connection, message)
            for _ in index_missing(connection):
                pass
        with db.engine.begin() as connection:
            for message_id, content in edited.items():
                connection.execute(
                    text("UPDATE messages SET content = :content WHERE id = :id"),
                    {"id": message_id, "content": content},
                )
            documents = [
                Document(
                    m["id"],
                    self.hidden if m["room"] is None else self.rooms[m["room"]],
                    edited[m["id"]],
                    m["filenames"],
                )
                for m in wanted
                if m["id"] in edited
            ]
            index_messages(connection, documents)
            remove_from_index(connection, sorted(removed))
            for message_id in removed:
                connection.execute(text("DELETE FROM messages WHERE id = :id"), {"id": message_id})

    def search(self, query: str, **filters: Any) -> list[int]:
        user = db.session.get(User, self.users[0].id)
        assert user is not None
        page = search_messages(user, PageRequest(0, 100), q=query, **filters)
        db.session.rollback()
        return [message["id"] for message in page.items]

    def wrongly_indexed(self) -> list[int]:
        """The ids of the messages whose index entries are not as they should be."""
        wrong: list[int] = []
        with db.engine.connect() as connection:
            after = -1
            while (checked := check_index(connection, after)) is not None:
                after = checked[0]
                wrong += checked[1]
        return wrong
