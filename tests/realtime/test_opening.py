"""Events that arrive while a socket opens or resumes: it receives the later events of every conversation, and no earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from tests.realtime.conftest import Deployment, Deployments, app_root, in_background
from tests.realtime.sending import append_unpublished, message_events, received_modseqs, sending_messages


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def slow(
    request: pytest.FixtureRequest, deployments: Deployments, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A server whose sockets take longer to open and to resume than the interval of the heartbeat."""
    root = app_root(tmp_path_factory.mktemp("slow"), "tests.realtime.slow_opening")
    with deployments() as open_deployment:
        yield open_deployment(request.param, root=root, measured=True, OVERRIDES="{}")


def test_what_happens_right_after_ready_is_received(
    deployments: Deployments, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A read mark is sent once, and no modseq shows that it was missed. Here workers are slow to subscribe to it."""
    root = app_root(tmp_path_factory.mktemp("slow"), "tests.realtime.slow_subscribing")
    with deployments() as open_deployment:
        slow = open_deployment("redis", root=root, OVERRIDES="{}")
        reader, member = slow.user(), slow.user()
        room = reader.room(member)
        with reader.live() as sender:
            sender.send_many(["text"] * 8, room_id=room["id"])
        for seq in range(1, 9):
            with member.live() as client:
                reader("POST", f"/api/chat/conversations/{room['conversation_id']}/read", {"seq": seq})
                client.expect("read", user_id=reader.id, seq=seq)


def test_a_socket_receives_no_message_from_before_its_opening(slow: Deployment) -> None:
    author, member = slow.user(), slow.user()
    room = author.room(member)
    append_unpublished(slow, author, room["conversation_id"], 20)
    with sending_messages(author, room):
        client = member.live()
        client.expect_message("published")
    client.expect_message("end")
    contents = [frame["message"]["content"] for frame in message_events(client, room)]
    assert not [content for content in contents if content.startswith("unpublished")]
    numbers = received_modseqs(client, room)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_a_socket_receives_the_messages_of_rooms_joined_while_it_opens(slow: Deployment) -> None:
    author, member = slow.user(), slow.user()
    rooms = []

    def make_rooms(is_over: Event) -> None:
        while not is_over.is_set() and len(rooms) < 100:  # a user may own 200
            rooms.append(author.room(member))
            is_over.wait(0.03)

    with in_background(make_rooms):
        client = member.live()
    with author.live() as sender:
        for room in rooms:
            sender.send("now", room_id=room["id"])
    for room in rooms:
        client.expect("message.created", conversation_id=room["conversation_id"])
    client.sync()
    assert {len(received_modseqs(client, room)) for room in rooms} == {1}


def test_a_socket_receives_rooms_joined_while_it_resumes_once(slow: Deployment) -> None:
    author, member = slow.user(), slow.user()
    rooms = [author.room(member)]
    client = member.live()

    def make_rooms(is_over: Event) -> None:
        while not is_over.is_set():
            rooms.append(author.room(member))
            for room in rooms[-3:]:
                author.send("during", room_id=room["id"])
            is_over.wait(0.03)

    with in_background(make_rooms):
        client.resume()
    last = [author.send("last", room_id=room["id"]) for room in rooms]
    for message in last:
        client.expect("message.created", conversation_id=message["conversation_id"], modseq=message["modseq"])
    client.sync()
    for message in last:
        received = [frame["message"]["seq"] for frame in message_events(client, message)]
        for frame in client.events:
            for row in frame.get("conversations", ()):
                if row["id"] == message["conversation_id"]:
                    received += [each["seq"] for each in row["messages"]]
        assert sorted(received) == list(range(1, message["seq"] + 1))
