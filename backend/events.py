"""What services tell the world after a commit, and how it is told: `publish`.

An event of a conversation that has a `modseq` is durable: it can be read from the database again, and keeps its place among
the others. The rest (typing, read marks, presence) is told once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from flask import current_app
from sqlalchemy import event

from backend.database import RoutedSession
from backend.extensions import db

log = logging.getLogger("confab.realtime")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `body` is the frame that clients get, without its type.

    Goes to those who follow `conversation_id`, or to the sockets of `user_id` alone. `private` is merged into the body's
    message for the sockets of `author_id`.
    """

    type: str
    body: dict[str, Any]
    conversation_id: str | None = None
    user_id: int | None = None
    modseq: int | None = None
    author_id: int | None = None
    private: dict[str, Any] | None = None
    origin: str | None = None
    """The socket that caused it, where that one is not to hear it."""

    def to_wire(self) -> dict[str, Any]:
        """As JSON can carry it; `Event(**wire)` is the way back."""
        return asdict(self)


class Publisher(Protocol):
    """What a bus is to the services."""

    def publish(self, events: Sequence[Event]) -> None: ...


def publish(events: Sequence[Event]) -> None:
    """Tell whoever listens, in every worker. Never fails and never waits: what gets lost is found in the database."""
    publisher: Publisher | None = current_app.extensions.get("confab-bus")
    if publisher is not None and events:
        try:
            publisher.publish(events)
        except Exception:
            log.exception("an event could not be published")


def announce(*events: Event) -> None:
    """Publish *events* after the commit of the present `db.session`; after a rollback, nothing is said."""
    db.session.info.setdefault("events", []).extend(events)


@event.listens_for(RoutedSession, "after_commit")
def _publish_announced(session: RoutedSession) -> None:
    if not session.in_nested_transaction():  # SQLAlchemy calls this for a savepoint, too
        publish(session.info.pop("events", []))


@event.listens_for(RoutedSession, "after_rollback")
def _forget_announced(session: RoutedSession) -> None:
    if not session.in_nested_transaction():
        session.info.pop("events", None)


def message_event(type_: str, message: dict[str, Any], client_message_id: str | None = None) -> Event:
    """`message.created`, `message.updated` or `message.deleted`; *message* as others than its sender see it."""
    body = {"conversation_id": message["conversation_id"], "modseq": message["modseq"], "message": message}
    return Event(
        type_,
        body,
        conversation_id=message["conversation_id"],
        modseq=message["modseq"],
        author_id=message["sender_id"],
        private={"client_message_id": client_message_id} if client_message_id else None,
    )


def member_event(type_: str, conversation_id: str, membership: Any) -> Event:
    """`member.joined`, `member.updated` or `member.left`."""
    body = {
        "conversation_id": conversation_id,
        "modseq": membership.modseq,
        "room_id": membership.room_id,
        "user_id": membership.user_id,
        "is_admin": membership.is_admin,
    }
    return Event(type_, body, conversation_id=conversation_id, modseq=membership.modseq, author_id=membership.user_id)


def room_event(type_: str, conversation_id: str, **body: Any) -> Event:
    """`room.deleted`, or `hub.room_updated`."""
    return Event(type_, {"conversation_id": conversation_id, **body}, conversation_id=conversation_id)


def room_updated_event(room: dict[str, Any]) -> Event:
    """To the hubs alone: tell the members of *room* what it is now, each as they see it."""
    return room_event("hub.room_updated", room["conversation_id"], updated_at=room["updated_at"])


def read_event(
    conversation_id: str, user_id: int, seq: int, origin: str | None = None, *, to_itself_alone: bool = False
) -> Event:
    """That a user's read mark moved: to all who follow the conversation, or to the user's own sockets alone."""
    body = {"conversation_id": conversation_id, "user_id": user_id, "seq": seq}
    if to_itself_alone:
        return Event("read", body, user_id=user_id, origin=origin)
    return Event("read", body, conversation_id=conversation_id, author_id=user_id, origin=origin)


def typing_event(conversation_id: str, user_id: int, is_typing: bool) -> Event:
    """That a user types, or has stopped."""
    body = {"conversation_id": conversation_id, "user_id": user_id, "is_typing": is_typing}
    return Event("typing", body, conversation_id=conversation_id, author_id=user_id)


def offline_event(user_id: int, gone_id: int) -> Event:
    """To *user_id*: another is offline, and nothing of them is left by which it could be found out."""
    return Event("presence", {"user_id": gone_id, "status": "offline", "last_seen_at": None}, user_id=user_id)


def opened_event(conversation_id: str, user_id: int, since: int = 0) -> Event:
    """To the hubs alone: *user_id* follows this conversation from now on, from modseq *since*."""
    return Event("hub.opened", {"conversation_id": conversation_id, "since": since}, user_id=user_id)


def revoked_event(user_id: int) -> Event:
    """To the hubs alone: look at once which of this user's sockets still have a right to be open."""
    return Event("hub.revoked", {}, user_id=user_id)


def block_event(user_id: int, by_id: int) -> Event:
    """To the hubs alone: *by_id* blocks *user_id* from now on, or does so no longer."""
    return Event("hub.block_changed", {"by_id": by_id}, user_id=user_id)


def connected_event(user_id: int, client_id: str, origin: str, opened_at: float) -> Event:
    """To the hubs alone: this device has a socket since *opened_at*, which replaces its older ones."""
    return Event("hub.connected", {"client_id": client_id, "opened_at": opened_at}, user_id=user_id, origin=origin)
