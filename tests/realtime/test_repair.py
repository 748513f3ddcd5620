"""The bus loses more than one page of a repair holds, while sockets listen and others speak: all arrives once, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from backend.inbox.sync import PAGE as SYNC_PAGE
from backend.realtime.delivery.history import PAGE
from tests.realtime.conftest import Deployment, Deployments, app_root
from tests.realtime.speech import heard, messages, speaking, write_unheard

SHORT_PAGE = 50


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def failing(
    request: pytest.FixtureRequest, deployments: Deployments, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A server whose database fails between the pages of a repair."""
    root = app_root(tmp_path_factory.mktemp("failing"), "tests.realtime.failing")
    altered = {"backend.realtime.delivery.history": {"PAGE": SHORT_PAGE}}
    with deployments() as open_deployment:
        yield open_deployment(request.param, root=root, measured=True, ALTERED=json.dumps(altered))


def lose(deployment: Deployment, *counts: int) -> None:
    """Lose so many changes at once, one time after the other, and look at what listeners on every worker heard."""
    author, listener = deployment.user(), deployment.user()
    room = author.room(listener)
    clients = deployment.on_each_worker(listener)
    with speaking(author, room):
        for count in counts:
            clients[0].message("heard")
            write_unheard(deployment, author, room["conversation_id"], count)
    for client in clients:
        client.message("end", timeout=15)
        assert heard(client, room) == list(range(3, client.modseqs[room["conversation_id"]] + 1))
        assert [frame["message"]["content"] for frame in messages(client, room)].count("unheard 0") == len(counts)


def test_a_loss_of_several_pages(deployment: Deployment) -> None:
    lose(deployment, 2 * PAGE + 100, PAGE + 1)


def test_a_loss_of_several_pages_while_the_database_fails_between_them(failing: Deployment) -> None:
    lose(failing, 6 * SHORT_PAGE + 10, 2 * SHORT_PAGE)
    assert "failed: the database is away" in failing.server.output()


def test_what_a_page_of_a_resumption_failed_to_tell_is_told_live(failing: Deployment) -> None:
    author, listener = failing.user(), failing.user()
    room = author.room(listener)
    name = room["conversation_id"]
    write_unheard(failing, author, name, 3 * SYNC_PAGE)
    client = listener.live()
    [page, error] = client.resume({name: 0})
    assert (page["done"], error["code"]) == (False, "unavailable")
    author.send("end", room_id=room["id"])
    client.message("end", timeout=15)
    [row] = [row for row in page["conversations"] if row["id"] == name]
    told = [message["seq"] for message in row["messages"]]
    told += [frame["message"]["seq"] for frame in messages(client, room) if frame["type"] == "message.created"]
    assert told == list(range(1, 3 * SYNC_PAGE + 2))


def test_conversations_that_did_not_fit_in_the_first_page_are_told_live(failing: Deployment) -> None:
    """The socket was opened at their heads; the client had seen nothing of them."""
    author, listener = failing.user(), failing.user()
    rooms = [author.room(listener) for _ in range(4)]
    for room in rooms:
        write_unheard(failing, author, room["conversation_id"], 100, size=2_000)
    client = listener.live()
    [page, error] = client.resume({room["conversation_id"]: 0 for room in rooms})
    assert (page["done"], error["code"]) == (False, "unavailable")
    answered = {row["id"]: [message["seq"] for message in row["messages"]] for row in page["conversations"]}
    assert not answered.keys() >= {room["conversation_id"] for room in rooms}
    for room in rooms:
        content = f"end of {room['id']}"
        author.send(content, room_id=room["id"])
        client.message(content, timeout=15)
        live = [frame["message"]["seq"] for frame in messages(client, room) if frame["type"] == "message.created"]
        assert answered.get(room["conversation_id"], []) + live == list(range(1, 102))
