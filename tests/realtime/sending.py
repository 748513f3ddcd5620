"""Sends messages while other clients receive, and selects the events that they received."""

from __future__ import annotations

from contextlib import AbstractContextManager
from threading import Event

from backend.conversations.references import resolve_conversation
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment, in_background


def append_unpublished(deployment: Deployment, author: Api, name: str, count: int, size: int = 0) -> None:
    """Append *count* messages of at least *size* characters, in one commit, and publish no event of them."""
    conversation = resolve_conversation(author.id, conversation_id=name)
    with deployment.app.app_context():
        results = append_messages(
            [Draft(author.id, conversation, f"unpublished {n}".ljust(size, "."), None, None) for n in range(count)]
        )
    assert all(isinstance(result, Sent) for result in results)


def sending_messages(author: Api, room: Frame) -> AbstractContextManager[None]:
    """Send messages during the block, and one last message "end" after it."""

    def send(is_over: Event) -> None:
        with author.live() as client:
            while not is_over.wait(0.01):  # as many as fit would occupy the processor that the receivers need
                client.send("published", room_id=room["id"])
            client.send("end", room_id=room["id"])

    return in_background(send)


def message_events(client: LiveClient, room: Frame) -> list[Frame]:
    """The events of messages of *room* that *client* received, in order."""
    name = room["conversation_id"]
    return [frame for frame in client.events if "message" in frame and frame["conversation_id"] == name]


def received_modseqs(client: LiveClient, room: Frame) -> list[int]:
    """The modseqs of the `message.created` events of *room* that *client* received, in order."""
    return [frame["modseq"] for frame in message_events(client, room) if frame["type"] == "message.created"]


def presence_events(client: LiveClient, of: Api | None = None) -> list[Frame]:
    """The presence events that *client* received: of every user, or of one."""
    events = [frame for frame in client.events if frame["type"] == "presence"]
    return [frame for frame in events if of is None or frame["user_id"] == of.id]


def wait_until_presence_is_sent(deployment: Deployment, clients: list[LiveClient]) -> Api:
    """Wait until each of *clients* has received every earlier presence event.

    A friend of theirs comes online after the earlier events, and each worker sends presence in this order. Returns the friend.
    """
    friend = deployment.user()
    for user_id in sorted({client.ready["user"]["id"] for client in clients}):
        friend.send("hello", recipient_id=user_id)
    with friend.live():
        for client in clients:
            client.expect("presence", user_id=friend.id, status="online")
    return friend
