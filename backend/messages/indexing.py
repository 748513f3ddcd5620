"""Updates the search index when messages change."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from backend.messages.change_types import LockedMessage
from backend.search.documents import Document
from backend.search.index import index_messages, remove_from_index


def index_changes(connection: Connection, changed: Mapping[int, LockedMessage], removed: Collection[int]) -> None:
    """Index the edited messages of *changed* again, and take the *removed* ones out of the index. Does not commit."""
    edited = [
        _document(message_id, message)
        for message_id, message in changed.items()
        if message.former_contents and message_id not in removed
    ]
    if edited:
        index_messages(connection, edited)
    if removed:
        remove_from_index(connection, sorted(removed))


def _document(message_id: int, message: LockedMessage) -> Document:
    filenames = [attachment["filename"] for attachment in message.json["attachments"]]
    return Document(message_id, message.json["conversation_id"], message.content, filenames)
