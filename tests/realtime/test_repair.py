"""The bus loses more than one page of a repair holds, while sockets listen and others speak: all arrives once, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from backend.messages.access import place_of
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.realtime.changes import PAGE
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import House, Houses, checkout

SHORT_PAGE = 50


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def failing(
    request: pytest.FixtureRequest, houses: Houses, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server whose database fails between the pages of a repair."""
    root = checkout(tmp_path_factory.mktemp("failing"), "tests.realtime.failing")
    altered = {"backend.realtime.changes": {"PAGE": SHORT_PAGE}}
    with houses() as open_house:
        yield open_house(request.param, root=root, measured=True, ALTERED=json.dumps(altered))


def write_unheard(house: House, author: Api, name: str, count: int) -> None:
    """So many messages in one commit, of which no hint tells any worker."""
    place = place_of(author.id, conversation_id=name)
    with house.app.app_context():
        results = append_messages([Draft(author.id, place, f"unheard {n}", None, None) for n in range(count)])
    assert all(isinstance(result, Sent) for result in results)


@contextmanager
def speaking(author: Api, room: Frame) -> Iterator[None]:
    """Someone speaks meanwhile, and last of all says "end"."""
    is_over = Event()

    def speak() -> None:
        with author.live() as client:
            while not is_over.is_set():
                client.send("heard", room_id=room["id"])
            client.send("end", room_id=room["id"])

    thread = Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def lose(house: House, *counts: int) -> None:
    """Lose so many changes at once, one time after the other, and look at what listeners on every worker heard."""
    author, listener = house.user(), house.user()
    room = author.room(listener)
    clients = house.on_each_worker(listener)
    with speaking(author, room):
        for count in counts:
            clients[0].message("heard")
            write_unheard(house, author, room["conversation_id"], count)
    for client in clients:
        client.message("end", timeout=15)
        assert heard(client, room) == list(range(3, client.modseqs[room["conversation_id"]] + 1))
        assert [frame["message"]["content"] for frame in messages(client, room)].count("unheard 0") == len(counts)


def messages(client: LiveClient, room: Frame) -> list[Frame]:
    name = room["conversation_id"]
    return [frame for frame in client.events if "message" in frame and frame["conversation_id"] == name]


def heard(client: LiveClient, room: Frame) -> list[int]:
    return [frame["modseq"] for frame in messages(client, room) if frame["type"] == "message.created"]


def test_a_loss_of_several_pages(house: House) -> None:
    lose(house, 2 * PAGE + 100, PAGE + 1)


def test_a_loss_of_several_pages_while_the_database_fails_between_them(failing: House) -> None:
    lose(failing, 6 * SHORT_PAGE + 10, 2 * SHORT_PAGE)
    assert "waits for the database" in failing.server.output()
