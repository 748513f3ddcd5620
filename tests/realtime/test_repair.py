"""The bus loses more events than a page of a repair holds, while messages are sent: all arrive once and in order."""

from __future__ import annotations

from backend.inbox.sync import PAGE as SYNC_PAGE
from backend.realtime.delivery.history import PAGE
from tests.realtime.conftest import SHORT_PAGE, Deployment
from tests.realtime.sending import append_unpublished, message_events, received_modseqs, sending_messages


def append_and_check(deployment: Deployment, *counts: int) -> None:
    """Append *counts* unpublished messages, one batch after the other, and check what sockets on every worker receive."""
    author, member = deployment.user(), deployment.user()
    room = author.room(member)
    clients = deployment.on_each_worker(member)
    with sending_messages(author, room):
        for count in counts:
            clients[0].expect_message("published")
            append_unpublished(deployment, author, room["conversation_id"], count)
    for client in clients:
        client.expect_message("end", timeout=15)
        assert received_modseqs(client, room) == list(range(3, client.modseqs[room["conversation_id"]] + 1))
        assert [frame["message"]["content"] for frame in message_events(client, room)].count("unpublished 0") == len(
            counts
        )


def test_several_lost_pages_are_delivered_once_and_in_order(deployment: Deployment) -> None:
    append_and_check(deployment, PAGE + 100, PAGE + 1)


def test_several_lost_pages_are_delivered_while_the_database_fails_between_them(failing: Deployment) -> None:
    append_and_check(failing, 3 * SHORT_PAGE + 10, 2 * SHORT_PAGE)
    assert "failed: the database is away" in failing.server.output()


def test_messages_of_a_failed_page_of_a_resumption_are_delivered_live(failing: Deployment) -> None:
    author, member = failing.user(), failing.user()
    room = author.room(member)
    name = room["conversation_id"]
    append_unpublished(failing, author, name, 3 * SYNC_PAGE)
    client = member.live()
    [page, error] = client.resume({name: 0})
    assert (page["done"], error["code"]) == (False, "unavailable")
    author.send("end", room_id=room["id"])
    client.expect_message("end", timeout=15)
    [row] = [row for row in page["conversations"] if row["id"] == name]
    received = [message["seq"] for message in row["messages"]]
    received += [
        frame["message"]["seq"] for frame in message_events(client, room) if frame["type"] == "message.created"
    ]
    assert received == list(range(1, 3 * SYNC_PAGE + 2))


def test_conversations_that_did_not_fit_in_the_first_page_are_delivered_live(failing: Deployment) -> None:
    """The socket was subscribed from their heads, and the client has received nothing of them."""
    author, member = failing.user(), failing.user()
    rooms = [author.room(member) for _ in range(4)]
    for room in rooms:
        append_unpublished(failing, author, room["conversation_id"], 100, size=2_000)
    client = member.live()
    [page, error] = client.resume({room["conversation_id"]: 0 for room in rooms})
    assert (page["done"], error["code"]) == (False, "unavailable")
    answered = {row["id"]: [message["seq"] for message in row["messages"]] for row in page["conversations"]}
    assert not answered.keys() >= {room["conversation_id"] for room in rooms}
    for room in rooms:
        content = f"end of {room['id']}"
        author.send(content, room_id=room["id"])
        client.expect_message(content, timeout=15)
        live = [frame["message"]["seq"] for frame in message_events(client, room) if frame["type"] == "message.created"]
        assert answered.get(room["conversation_id"], []) + live == list(range(1, 102))
