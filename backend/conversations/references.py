"""What an id of a conversation refers to, or a room's or a user's: decided from the id alone, without the database."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import NotFound
from backend.models.conversation import LOBBY, dm_conversation_id, dm_peer, room_conversation_id, room_of


@dataclass(frozen=True)
class ConversationRef:
    """Where a message goes, as its address says: whether the place exists, and for whom, is another question."""

    conversation_id: str
    kind: str
    room_id: int | None = None
    peer_id: int | None = None


def resolve_conversation(
    user_id: int, conversation_id: str | None = None, room_id: int | None = None, recipient_id: int | None = None
) -> ConversationRef:
    """The place that one of the three names, or the lobby. Raises NotFound for a name that cannot be *user_id*'s."""
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
