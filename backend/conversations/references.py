"""References to conversations. They follow from an id alone, without the database."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from backend.errors import NotFound
from backend.models.conversation import LOBBY, dm_conversation_id, dm_peer, room_conversation_id, room_of
from config import Config


@dataclass(frozen=True)
class ConversationRef:
    """A conversation, which may not exist: `kind` is `lobby`, `room` or `dm`, and `peer_id` is the other side of a `dm`."""

    conversation_id: str
    kind: str
    room_id: int | None = None
    peer_id: int | None = None


def resolve_conversation(
    user_id: int, conversation_id: str | None = None, room_id: int | None = None, recipient_id: int | None = None
) -> ConversationRef:
    """The conversation that one of the three ids refers to, or the lobby if none is given.

    Raises NotFound for an id that is malformed, or is that of a direct conversation of others. Whether the conversation exists,
    and whether there is a lobby, is not checked.
    """
    if room_id is not None:
        return ConversationRef(room_conversation_id(room_id), "room", room_id=room_id)
    if recipient_id is not None:
        return ConversationRef(dm_conversation_id(user_id, recipient_id), "dm", peer_id=recipient_id)
    if conversation_id is None or conversation_id == LOBBY:
        return ConversationRef(LOBBY, "lobby")
    if (peer_id := dm_peer(conversation_id, user_id)) is not None:
        return ConversationRef(conversation_id, "dm", peer_id=peer_id)
    if (number := room_of(conversation_id)) is not None:
        return ConversationRef(conversation_id, "room", room_id=number)
    raise NotFound


def check_lobby(place: ConversationRef) -> None:
    """Raise NotFound if *place* is the lobby, and there is none."""
    if place.kind == "lobby" and not has_lobby():
        raise NotFound("There is no lobby here. Name a room or a user.")


def has_lobby() -> bool:
    """Whether this installation has a lobby (LOBBY)."""
    config: Config = current_app.config["CONFAB"]
    return config.has_lobby
