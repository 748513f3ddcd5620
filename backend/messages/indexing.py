"""Updates the search index when messages change."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from backend.messages.change_types import LockedMessage
from backend.search.documents import Document
from backend.search.index import index_messages, remove_from_index


def index_changes(connection: Connection, changed: Mapping[int, LockedMessage], wiped: Collection[int]) -> None:
    """Index the edited messages of *changed* again, and remove the deleted and the *wiped* ones. Does not commit."""
    edited = [
        _document(message_id, message)
        for message_id, message in changed.items()
        if message.former_contents and not message.is_deleted
    ]
    deleted = {message_id for message_id, message in changed.items() if message.is_deleted}.union(wiped)
    if edited:
        index_messages(connection, edited)
    if deleted:
        remove_from_index(connection, sorted(deleted))


def _document(message_id: int, message: LockedMessage) -> Document:
    filenames = [attachment["filename"] for attachment in message.json["attachments"]]
    return Document(message_id, message.json["conversation_id"], message.content, filenames)
