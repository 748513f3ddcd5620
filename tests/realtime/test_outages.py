"""Redis and PostgreSQL fail while sockets are open: no event is lost, and the server recovers by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
import redis
import requests

from backend.models.base import db
from tests.processes import wait_until
from tests.realtime.client import Api, Frame, LiveClient
from tests.realtime.conftest import Deployment, Deployments, worker_of
from tests.realtime.sending import presence_events, wait_until_presence_is_sent
from tests.services import PrivatePostgres, PrivateRedis
from tests.stopwatch import Stopwatch

OUTAGE_LOGGED = "Redis is away"
Conversation = tuple[Api, Frame, list[LiveClient], list[LiveClient]]
"""The sender, the room, and the sockets of the sender and of the receiver."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as server:
        yield server


@pytest.fixture(scope="module")
def isolated(deployments: Deployments, postgres: PrivatePostgres) -> Iterator[Deployment]:
    """Two workers on a PostgreSQL and a Redis of their own."""
    with deployments() as open_deployment:
        yield open_deployment("redis", database_url=postgres.new_database("isolated"), measured=True)


@pytest.fixture
def conversation(isolated: Deployment) -> Conversation:
    """A room of a sender and a receiver, with a socket of each on every worker."""
    with isolated.app.app_context():
        db.engine.dispose()  # our own connections may be to a server that was killed
    owner, receiver = isolated.user(), isolated.user()
    room = owner.room(receiver)
    return owner, room, isolated.on_each_worker(owner), isolated.on_each_worker(receiver)


def exchange(conversation: Conversation, prefix: str, within: float) -> None:
    """Send a message over every worker. Every receiver gets all of them within *within* seconds."""
    _, room, senders, receivers = conversation
    for n, sender in enumerate(senders):
        sender.send(f"{prefix}{n}", room_id=room["id"])
    sent_at = time.monotonic()
    for receiver in receivers:
        for n in range(len(senders)):
            receiver.expect_message(f"{prefix}{n}", timeout=max(0.1, within - (time.monotonic() - sent_at)))


def _kill(server: PrivateRedis) -> None:
    server.kill()


def _freeze(server: PrivateRedis) -> None:
    server.freeze()


def _flush(server: PrivateRedis) -> None:
    redis.Redis.from_url(server.url).flushall()


@pytest.mark.parametrize("fault", [_kill, _freeze, _flush])
def test_messages_and_revocations_arrive_while_redis_is_away(
    isolated: Deployment, conversation: Conversation, fault: Callable[[PrivateRedis], None]
) -> None:
    assert isolated.redis is not None
    exchange(conversation, "before", 2)
    fault(isolated.redis)
    try:
        for n in range(3):
            exchange(conversation, f"without{n}-", 2)
        owner, *_, receivers = conversation
        with isolated.user().live() as newcomer:
            newcomer.send("a new socket", recipient_id=owner.id)
        owner("POST", "/api/auth/logout", status=204)
        for socket in conversation[2]:
            assert socket.close_code(5) == 4401
    finally:
        if fault is _kill:
            isolated.redis.start()
        elif fault is _freeze:
            isolated.redis.thaw()
    assert all(receiver.call("ping")["type"] == "pong" for receiver in receivers)


def _restart(server: PrivateRedis) -> None:
    server.start()


def _thaw(server: PrivateRedis) -> None:
    server.thaw()


@pytest.mark.parametrize(("fault", "end"), [(_kill, _restart), (_freeze, _thaw)])
def test_the_bus_recovers_after_an_outage(
    isolated: Deployment,
    conversation: Conversation,
    fault: Callable[[PrivateRedis], None],
    end: Callable[[PrivateRedis], None],
) -> None:
    """After an outage events arrive over the bus again, faster than reconciliation would find them."""
    assert isolated.redis is not None
    noticed = isolated.server.output().count(OUTAGE_LOGGED)
    fault(isolated.redis)
    wait_until(lambda: isolated.server.output().count(OUTAGE_LOGGED) >= noticed + 2, "both workers to notice", 10)
    exchange(conversation, "away", 2)
    end(isolated.redis)
    wait_until(
        lambda: isolated.subscribers(f"c:{conversation[1]['conversation_id']}") == 2, "the workers' return to Redis", 10
    )
    exchange(conversation, "back", 1)


def test_a_socket_replaced_on_another_worker_is_closed_when_the_bus_recovers(isolated: Deployment) -> None:
    assert isolated.redis is not None
    user = isolated.user()
    older = user.live("tab")
    home = worker_of(isolated.server, older)
    isolated.redis.kill()
    for _ in range(40):
        newer = user.live("tab")
        if worker_of(isolated.server, newer) != home:
            break
        assert older.close_code() == 4409
        older = newer
    assert older.call("ping")["type"] == "pong"
    isolated.redis.start()
    assert older.close_code(10) == 4409
    assert newer.call("ping")["type"] == "pong"


def test_a_worker_subscribes_only_to_the_conversations_of_its_sockets(
    isolated: Deployment, conversation: Conversation
) -> None:
    _, room, *sockets = conversation
    wait_until(
        lambda: isolated.subscribers(f"c:{room['conversation_id']}") == 2, "the subscriptions of both workers", 5
    )
    for group in sockets:
        for socket in group:
            socket.close()
    wait_until(lambda: isolated.subscribers(f"c:{room['conversation_id']}") == 0, "the end of both subscriptions", 5)


def online_records(isolated: Deployment) -> int:
    """How many workers have a record of their users in Redis."""
    assert isolated.redis is not None
    with closing(redis.Redis.from_url(isolated.redis.url)) as client:
        return len(client.keys("confab:*:online:*"))


def test_no_user_goes_offline_while_redis_is_away(isolated: Deployment, conversation: Conversation) -> None:
    """A worker keeps the online users of the others while Redis is away, and for some time after it is back."""
    assert isolated.redis is not None
    owner, _, senders, receivers = conversation
    for extra in (senders[1], receivers[0]):  # each is on one worker now, and not on the same
        extra.close()
    sender, receiver = senders[0], receivers[1]
    wait_until_presence_is_sent(isolated, [sender, receiver])  # each worker knows of the other's users
    before = len(presence_events(receiver, owner))
    isolated.redis.kill()
    # An absence that lasts 0.5 s counts, and nothing shows when a worker has counted it.
    receiver.drain(1)
    isolated.redis.start()
    wait_until(lambda: online_records(isolated) == 2, "both workers to write their records again", 10)
    wait_until_presence_is_sent(isolated, [receiver])
    assert len(presence_events(receiver, owner)) == before
    sender.close()
    receiver.expect("presence", timeout=5, user_id=owner.id, status="offline")


def test_sockets_survive_a_restart_of_postgresql(
    isolated: Deployment, conversation: Conversation, postgres: PrivatePostgres
) -> None:
    _, room, senders, receivers = conversation
    exchange(conversation, "before", 2)
    postgres.kill()
    refused = senders[0].call("send", content="refused", room_id=room["id"])
    assert (refused["type"], refused["code"]) == ("error", "unavailable")
    assert senders[0].call("resume")["code"] == "unavailable"
    assert all(socket.call("ping")["type"] == "pong" for socket in [*senders, *receivers])
    postgres.start()
    for sender in senders:  # each worker replaces its broken connections by itself
        assert sender.call("send", content="again", room_id=room["id"])["type"] == "ack"
    exchange(conversation, "after", 5)
    for sender in senders:
        sender.expect_message("after0", timeout=5)


def is_answered(client: LiveClient, id_: str) -> bool:
    """Whether the answer to the frame *id_* is among those that arrived within a tenth of a second."""
    with suppress(TimeoutError):
        client.unread.append(client.receive(0.1))
    return any(frame.get("id") == id_ for frame in client.unread)


def test_sockets_are_answered_while_postgresql_hangs(
    isolated: Deployment, conversation: Conversation, postgres: PrivatePostgres
) -> None:
    """PostgreSQL accepts queries and does not answer. A worker still answers pings, and refuses sends within seconds."""
    owner, room, senders, receivers = conversation
    exchange(conversation, "before", 2)
    workers = isolated.server.worker_pids
    postgres.freeze()
    try:
        began = time.monotonic()
        sent = [(sender, sender.send_frame("send", content="refused", room_id=room["id"])) for sender in senders]
        for sender, id_ in sent:
            while not is_answered(sender, id_):
                asking = Stopwatch(isolated.server.pid)
                assert [receiver.call("ping")["type"] for receiver in receivers] == ["pong"] * len(receivers)
                assert asking.seconds < 2
                assert time.monotonic() - began < 10
            refused = sender.answer(id_)
            assert (refused["type"], refused["code"]) == ("error", "unavailable")
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {owner.token}"}
        response = requests.get(f"{isolated.server.url}/api/users/me", headers=headers, timeout=15)
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert time.monotonic() - began < 10
    finally:
        postgres.thaw()
    exchange(conversation, "after", 5)
    assert isolated.server.worker_pids == workers
