"""What happens while a socket opens, or resumes: it hears what comes after, of every conversation, and nothing from before."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from tests.realtime.conftest import Deployment, Deployments, app_root, in_background
from tests.realtime.speech import heard, messages, speaking, write_unheard


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def slow(
    request: pytest.FixtureRequest, deployments: Deployments, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A server whose sockets take more than a tick of the clock to open, and to resume."""
    root = app_root(tmp_path_factory.mktemp("slow"), "tests.realtime.slow")
    with deployments() as open_deployment:
        yield open_deployment(request.param, root=root, measured=True, ALTERED="{}")


def test_what_was_said_before_it_opened_is_not_told(slow: Deployment) -> None:
    author, listener = slow.user(), slow.user()
    room = author.room(listener)
    write_unheard(slow, author, room["conversation_id"], 20)
    with speaking(author, room):
        client = listener.live()
        client.message("heard")
    client.message("end")
    contents = [frame["message"]["content"] for frame in messages(client, room)]
    assert not [content for content in contents if content.startswith("unheard")]
    numbers = heard(client, room)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_a_room_that_its_user_comes_into_meanwhile_is_followed(slow: Deployment) -> None:
    author, listener = slow.user(), slow.user()
    rooms = []

    def make_rooms(is_over: Event) -> None:
        while not is_over.is_set():
            rooms.append(author.room(listener))

    with in_background(make_rooms):
        client = listener.live()
    with author.live() as speaker:
        for room in rooms:
            speaker.send("now", room_id=room["id"])
    for room in rooms:
        client.expect("message.created", conversation_id=room["conversation_id"])
    client.sync()
    assert {len(heard(client, room)) for room in rooms} == {1}


def test_a_room_that_its_user_comes_into_while_it_resumes_is_told_once(slow: Deployment) -> None:
    author, listener = slow.user(), slow.user()
    rooms = [author.room(listener)]
    client = listener.live()

    def make_rooms(is_over: Event) -> None:
        while not is_over.is_set():
            rooms.append(author.room(listener))
            for room in rooms[-3:]:
                author.send("meanwhile", room_id=room["id"])

    with in_background(make_rooms):
        client.resume()
    last = [author.send("last", room_id=room["id"]) for room in rooms]
    for message in last:
        client.expect("message.created", conversation_id=message["conversation_id"], modseq=message["modseq"])
    client.sync()
    for message in last:
        told = [frame["message"]["seq"] for frame in messages(client, message)]
        for frame in client.events:
            for row in frame.get("conversations", ()):
                if row["id"] == message["conversation_id"]:
                    told += [each["seq"] for each in row["messages"]]
        assert sorted(told) == list(range(1, message["seq"] + 1))
