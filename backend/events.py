"""Events that services publish after a commit.

An event of a conversation with a `modseq` is durable: the database holds it, and it keeps its place among the others. The rest
(typing, read marks, presence) is ephemeral: it is sent once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import event

from backend.database import RoutedSession
from backend.extensions import db
from backend.state import confab_state

log = logging.getLogger("confab.realtime")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `body` is the frame that clients get, without its type.

    It goes to the subscribers of `conversation_id`, or to the sockets of `user_id` alone. `author_only` is merged into the body's
    message for the sockets of `author_id`. `source_connection` names the socket that caused the event: it does not get it.
    """

    type: str
    body: dict[str, Any]
    conversation_id: str | None = None
    user_id: int | None = None
    modseq: int | None = None
    author_id: int | None = None
    author_only: dict[str, Any] | None = None
    source_connection: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """This event as JSON can carry it."""
        wire = {_PREVIOUS_NAMES.get(name, name): value for name, value in asdict(self).items()}
        wire["type"] = _PREVIOUS_NAMES.get(self.type, self.type)
        return wire

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Event:
        """The event that another worker sent with `to_wire`. Raises KeyError or TypeError for anything else."""
        fields = {_PRESENT_NAMES.get(name, name): value for name, value in wire.items()}
        fields["type"] = _PRESENT_NAMES.get(fields["type"], fields["type"])
        return cls(**fields)


_PREVIOUS_NAMES = {
    "author_only": "private",
    "source_connection": "origin",
    "control.room_updated": "hub.room_updated",
    "control.conversation_opened": "hub.opened",
    "control.credentials_revoked": "hub.revoked",
    "control.block_changed": "hub.block_changed",
    "control.device_connected": "hub.connected",
}
"""What the previous release calls these fields and types on the bus. During an upgrade workers of both releases share it: this
release reads both names and writes the previous ones. The next release writes the present ones, and this table goes."""

_PRESENT_NAMES = {previous: present for present, previous in _PREVIOUS_NAMES.items()}


def publish(events: Sequence[Event]) -> None:
    """Publish *events* to every worker. Never fails and never blocks: a lost event is found in the database."""
    if events:
        try:
            confab_state().bus.publish(events)
        except Exception:
            log.exception("an event could not be published")


def publish_on_commit(*events: Event) -> None:
    """Publish *events* once the present `db.session` is committed; a rollback discards them."""
    db.session.info.setdefault("events", []).extend(events)


@event.listens_for(RoutedSession, "after_commit")
def _publish_pending(session: RoutedSession) -> None:
    if not session.in_nested_transaction():  # SQLAlchemy calls this for a savepoint, too
        publish(session.info.pop("events", []))


@event.listens_for(RoutedSession, "after_rollback")
def _discard_pending(session: RoutedSession) -> None:
    if not session.in_nested_transaction():
        session.info.pop("events", None)


def message_event(type_: str, message: dict[str, Any], client_message_id: str | None = None) -> Event:
    """`message.created`, `message.updated` or `message.deleted`. *message* is as users other than its sender see it."""
    body = {"conversation_id": message["conversation_id"], "modseq": message["modseq"], "message": message}
    return Event(
        type_,
        body,
        conversation_id=message["conversation_id"],
        modseq=message["modseq"],
        author_id=message["sender_id"],
        author_only={"client_message_id": client_message_id} if client_message_id else None,
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
    """`room.deleted`, or `control.room_updated`."""
    return Event(type_, {"conversation_id": conversation_id, **body}, conversation_id=conversation_id)


def room_deleted_event(conversation_id: str) -> Event:
    """`room.deleted`."""
    return room_event("room.deleted", conversation_id, room_id=int(conversation_id.removeprefix("room:")))


def room_updated_event(room: dict[str, Any]) -> Event:
    """For hubs alone: send `room.updated` to the members of *room*, each with the fields that they may see."""
    return room_event("control.room_updated", room["conversation_id"], updated_at=room["updated_at"])


def read_event(
    conversation_id: str, user_id: int, seq: int, source_connection: str | None = None, *, to_reader_only: bool = False
) -> Event:
    """A user's read mark moved. Goes to all subscribers of the conversation, or to the user's own sockets alone."""
    body = {"conversation_id": conversation_id, "user_id": user_id, "seq": seq}
    if to_reader_only:
        return Event("read", body, user_id=user_id, source_connection=source_connection)
    return Event("read", body, conversation_id=conversation_id, author_id=user_id, source_connection=source_connection)


def inbox_event(entry: Any, source_connection: str | None = None) -> Event:
    """`inbox.updated`: a user's own settings of a conversation, for the user's sockets."""
    names = ("conversation_id", "is_muted", "is_pinned", "last_read_seq")
    body = {name: getattr(entry, name) for name in names}
    return Event("inbox.updated", body, user_id=entry.user_id, source_connection=source_connection)


def typing_event(conversation_id: str, user_id: int, is_typing: bool) -> Event:
    """A user types, or has stopped typing."""
    body = {"conversation_id": conversation_id, "user_id": user_id, "is_typing": is_typing}
    return Event("typing", body, conversation_id=conversation_id, author_id=user_id)


def offline_event(user_id: int, gone_id: int) -> Event:
    """For *user_id*: the erased user *gone_id* is offline. The database holds nothing from which a hub could find this out."""
    return Event("presence", {"user_id": gone_id, "status": "offline", "last_seen_at": None}, user_id=user_id)


def opened_event(conversation_id: str, user_id: int, since: int = 0) -> Event:
    """For hubs alone: subscribe *user_id* to this conversation, from modseq *since* on."""
    return Event("control.conversation_opened", {"conversation_id": conversation_id, "since": since}, user_id=user_id)


def revoked_event(user_id: int) -> Event:
    """For hubs alone: check at once which sockets of this user still have valid credentials."""
    return Event("control.credentials_revoked", {}, user_id=user_id)


def block_event(user_id: int, by_id: int) -> Event:
    """For hubs alone: *by_id* blocked *user_id*, or lifted the block."""
    return Event("control.block_changed", {"by_id": by_id}, user_id=user_id)


def connected_event(user_id: int, client_id: str, source_connection: str, opened_at: float) -> Event:
    """For hubs alone: this device opened a socket at *opened_at* (seconds since 1970), which replaces its older ones."""
    return Event(
        "control.device_connected",
        {"client_id": client_id, "opened_at": opened_at},
        user_id=user_id,
        source_connection=source_connection,
    )
