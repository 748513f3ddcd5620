"""Who speaks while others listen."""

from __future__ import annotations

from contextlib import AbstractContextManager
from threading import Event

from backend.conversations.references import resolve_conversation
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment, in_background


def write_unheard(deployment: Deployment, author: Api, name: str, count: int, size: int = 0) -> None:
    """So many messages of *size* characters at least, in one commit, of which no hint tells any worker."""
    place = resolve_conversation(author.id, conversation_id=name)
    with deployment.app.app_context():
        results = append_messages(
            [Draft(author.id, place, f"unheard {n}".ljust(size, "."), None, None) for n in range(count)]
        )
    assert all(isinstance(result, Sent) for result in results)


def speaking(author: Api, room: Frame) -> AbstractContextManager[None]:
    """Someone speaks meanwhile, and last of all says "end"."""

    def speak(is_over: Event) -> None:
        with author.live() as client:
            while not is_over.is_set():
                client.send("heard", room_id=room["id"])
            client.send("end", room_id=room["id"])

    return in_background(speak)


def messages(client: LiveClient, room: Frame) -> list[Frame]:
    name = room["conversation_id"]
    return [frame for frame in client.events if "message" in frame and frame["conversation_id"] == name]


def heard(client: LiveClient, room: Frame) -> list[int]:
    return [frame["modseq"] for frame in messages(client, room) if frame["type"] == "message.created"]
