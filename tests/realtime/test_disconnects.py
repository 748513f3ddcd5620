"""Why the server closes sockets: revocation, replacement, slow readers, and the end of a worker."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from threading import Thread

import pytest

from backend.models import User
from backend.models.base import db
from tests.processes import freeze_tree, signal_tree, wait_until
from tests.realtime.conftest import Deployment, Deployments
from tests.realtime.raw import CLOSE, ready_socket
from tests.realtime.sending import wait_until_presence_is_sent
from tests.stopwatch import Stopwatch
from tests.wire import Wire

MANY = 650
"""Messages of 16 kB, which are more than the kernel and the server buffer for one client."""


@pytest.fixture(scope="module")
def restartable(deployments: Deployments) -> Iterator[Callable[[str], Deployment]]:
    """A deployment of each kind that tests stop. The pool of a worker has one connection that writes and one that reads."""
    with deployments() as open_deployment:
        yield cache(lambda kind: open_deployment(kind, measured=kind == "redis", DATABASE_POOL_SIZE="2"))


@pytest.fixture(params=["sqlite", "redis"])
def own(request: pytest.FixtureRequest, restartable: Callable[[str], Deployment]) -> Deployment:
    """The deployment of one kind, which runs whatever an earlier test did to it."""
    deployment = restartable(request.param)
    if deployment.server.exit_code is not None:
        deployment.server.start()
    return deployment


def test_logout_closes_only_the_sockets_of_its_session(deployment: Deployment) -> None:
    user = deployment.user()
    other = deployment.new_session(user)
    clients = deployment.on_each_worker(user)
    stays = deployment.on_each_worker(other)
    user("POST", "/api/auth/logout", status=204)
    deployment.assert_ended(clients)
    for client in stays:
        assert client.call("ping")["type"] == "pong"
    sessions = other("GET", "/api/auth/sessions")
    other("DELETE", f"/api/auth/sessions/{sessions[0]['id']}", status=204)
    deployment.assert_ended(stays)


def test_all_sockets_of_a_deactivated_user_are_closed(deployment: Deployment) -> None:
    user, other = deployment.user(), deployment.user()
    clients, stays = deployment.on_each_worker(user), deployment.on_each_worker(other)
    with deployment.app.app_context():  # in the database alone: no event is published
        db.session.get(User, user.id).is_active = False
        db.session.commit()
    deployment.assert_ended(clients)
    assert all(client.call("ping")["type"] == "pong" for client in stays)


def test_a_second_socket_of_a_client_replaces_the_first(deployment: Deployment) -> None:
    user = deployment.user()
    first = deployment.on_each_worker(user)
    for _ in range(4):
        newer = [user.live(client.client_id) for client in first]
        assert [client.close_code() for client in first] == [4409] * len(first)
        assert all(client.call("ping")["type"] == "pong" for client in newer)
        first = newer
    stranger = deployment.user()
    with stranger.live(first[0].client_id):
        assert first[0].call("ping")["type"] == "pong"


def test_an_opening_whose_client_is_gone_replaces_no_socket(deployment: Deployment) -> None:
    """It may have waited for a busy or restarting worker for so long that its client gave up, and opened another socket."""
    user = deployment.user()
    present = deployment.on_each_worker(user)
    for client in present:
        head = (
            f"GET /ws/{client.client_id}?token={user.token} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        freeze_tree(deployment.server.pid)
        try:
            opening = Wire(deployment.server, head.encode())
            opening.end()
        finally:
            signal_tree(deployment.server.pid, signal.SIGCONT)
        with opening as gone:
            gone.rest()
    assert all(client.call("ping")["type"] == "pong" for client in present)


def test_a_slow_reader_is_closed_after_a_stream_without_gaps(deployment: Deployment) -> None:
    owner, slow = deployment.user(), deployment.user()
    room = owner.room(slow)
    with owner.live() as sender, ready_socket(slow, receive_buffer=4096) as raw:
        sender.send_many((f"{n} " + "\U0001f511" * 3_900 for n in range(MANY)), room_id=room["id"])
        memory = max(_resident(pid) for pid in deployment.server.worker_pids)
        received, code = [], None
        while code is None:
            opcode, payload = raw.receive()
            if opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big")
            elif (frame := json.loads(payload))["type"] == "message.created":
                received.append(int(frame["message"]["content"].split()[0]))
        assert code == 4410
        assert received == list(range(len(received)))
        assert len(received) < MANY
        assert memory < 400 * 2**20
        assert sender.call("ping")["type"] == "pong"


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_clients_reconnect_after_a_reload_and_miss_nothing(own: Deployment) -> None:
    owner, listener = own.user(), own.user()
    room = owner.room(listener)
    name = room["conversation_id"]
    clients = own.on_each_worker(listener)
    owner.send("before", room_id=room["id"])
    for client in clients:
        client.expect_message("before")
    old = set(own.server.worker_pids)
    os.kill(own.server.pid, signal.SIGHUP)
    assert [client.close_code(60) for client in clients] == [1012] * len(clients)
    wait_until(lambda: old.isdisjoint(own.server.worker_pids), "the end of the old workers", 60)
    assert "graceful timeout" not in own.server.output()  # they waited for no socket
    own.server.wait_until_ready()  # the new workers load the application meanwhile
    owner.send("meanwhile", room_id=room["id"])
    reconnected = own.on_each_worker(listener)
    for client, newer in zip(clients, reconnected, strict=True):
        [page] = newer.resume({name: client.modseqs[name]})
        [row] = [row for row in page["conversations"] if row["id"] == name]
        assert [message["content"] for message in row["messages"]] == ["meanwhile"]
    owner.send("after", room_id=room["id"])
    for newer in reconnected:
        newer.expect_message("after")


@pytest.mark.parametrize(
    ("own", "signum"),
    [("sqlite", signal.SIGTERM), ("redis", signal.SIGTERM), ("sqlite", signal.SIGINT)],
    indirect=["own"],
)
def test_a_server_that_stops_closes_its_sockets_with_1012(own: Deployment, signum: int) -> None:
    user = own.user()
    clients = [user.live() for _ in range(5)]
    idle = [http.client.HTTPConnection("127.0.0.1", own.server.port) for _ in range(5)]
    for connection in idle:
        connection.request("GET", "/api/health")
        connection.getresponse().read()
    codes: list[int | None] = [None] * len(clients)

    def read(place: int) -> None:
        codes[place] = clients[place].close_code(10)

    for place in range(len(clients)):
        Thread(target=read, args=[place]).start()
    watch = Stopwatch(own.server.pid)
    own.server.stop(signum)
    assert watch.seconds < 5
    wait_until(lambda: None not in codes, f"the end of all sockets: {codes}", 10)
    assert codes == [1012] * len(clients)
    for connection in idle:
        connection.close()
    if signum == signal.SIGTERM:  # the start is the same after each signal
        own.server.start()
        with user.live() as client:
            assert client.call("ping")["type"] == "pong"


@pytest.mark.parametrize("own", ["redis"], indirect=True)
def test_idle_sockets_hold_no_connection_to_the_database(own: Deployment) -> None:
    """A pool has one connection that writes and one that reads. If a socket kept one, the others would wait for ever."""
    users = [own.user() for _ in range(8)]  # at least four are on the same worker
    room = users[0].room(*users[1:])
    clients = [user.live() for user in users]
    for n, client in enumerate(clients):
        client.send(f"hello {n}", room_id=room["id"])
    for client in clients:
        client.expect_message(f"hello {len(clients) - 1}")
    assert users[0]("GET", f"/api/rooms/{room['id']}/messages")[0]["content"] == f"hello {len(clients) - 1}"


@pytest.mark.parametrize("own", ["redis"], indirect=True)
def test_the_users_of_a_killed_worker_go_offline(own: Deployment) -> None:
    watcher, other = own.user(), own.user()
    room = watcher.room(other)
    watching, clients = own.on_each_worker(watcher), own.on_each_worker(other)
    for place, client in enumerate(clients):
        if place > 0:
            client.close()
    pids = own.server.worker_pids
    remaining, victim = watching[1], min(pids)
    remaining.expect("presence", user_id=other.id, status="online")
    wait_until_presence_is_sent(own, [remaining])
    name = room["conversation_id"]
    clients[0].call("typing", conversation_id=name)
    assert remaining.expect("typing", user_id=other.id)["is_typing"]
    os.kill(victim, signal.SIGKILL)
    assert not remaining.expect("typing", timeout=8, user_id=other.id)[
        "is_typing"
    ]  # the end of typing was not published
    remaining.expect("presence", timeout=15, user_id=other.id, status="offline")
    with other.live():
        remaining.expect("presence", timeout=5, user_id=other.id, status="online")
