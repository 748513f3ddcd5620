"""docs/examples/reference_client.py, which authors of clients port, against running servers."""

from __future__ import annotations

import importlib.util
import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import requests

from tests.processes import Folder, end, spawn, tail, wait_until
from tests.realtime.client import Api, Frame
from tests.realtime.conftest import Deployment
from tests.realtime.proxy import Proxy
from tests.realtime.replica import read_all
from tests.servers import ROOT, environment

PROGRAM = ROOT / "docs/examples/reference_client.py"
PASSWORD = "correct horse battery"
PATIENCE = 40
"""Seconds. A client waits for some of them before it reconnects."""


class Account(Api):
    """A user who can sign in with a password."""

    def __init__(self, url: str):
        self.email = f"{secrets.token_hex(6)}@example.com"
        body = {"email": self.email, "password": PASSWORD}
        requests.post(f"{url}/api/auth/register", json=body, timeout=15).raise_for_status()
        tokens = requests.post(f"{url}/api/auth/login", json=body, timeout=15).json()
        super().__init__(url, tokens["access_token"], tokens["user"]["id"])


class RunningClient:
    """The program in a process of its own. `messages` is the copy that its output describes."""

    def __init__(self, account: Account, url: str, folder: Folder):
        self.client_id = secrets.token_hex(4)
        self.log = folder.path / "log"
        command = [sys.executable, PROGRAM, url, account.email, PASSWORD, self.client_id]
        self.process = spawn(command, log=self.log, env=environment({"NO_PROXY": "*"}))

    @property
    def messages(self) -> dict[str, dict[int, Frame]]:
        found: dict[str, dict[int, Frame]] = {}
        for line in self.log.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # the program is writing it
            change = json.loads(line)
            if "gone" in change:
                found.pop(change["gone"], None)
            else:
                found.setdefault(change["conversation_id"], {})[change["id"]] = change
        return found

    def wait_for(self, conversation_id: str, content: str) -> None:
        """Wait until it has a message with this content."""

        def has_it() -> bool:
            return content in {m["content"] for m in self.messages.get(conversation_id, {}).values()}

        self._wait_until(has_it, f"{content!r} in {conversation_id}")

    def wait_until_equal(self, expected: dict[str, dict[int, Frame]]) -> None:
        """Wait until its copy of these conversations is *expected*."""
        self._wait_until(lambda: {name: self.messages.get(name, {}) for name in expected} == expected, "equal copies")

    def _wait_until(self, condition: Any, what: str) -> None:
        try:
            wait_until(lambda: self.process.poll() is not None or condition(), what, PATIENCE)
        except TimeoutError as error:
            raise AssertionError(f"{error}; the client wrote:\n{tail(self.log)}") from error
        assert condition(), f"the client ended with {self.process.poll()}:\n{tail(self.log)}"


def send_many(author: Api, room: Frame, prefix: str) -> list[Frame]:
    """Send 60 messages, ten more than a page has."""
    with author.live() as socket:
        socket.send_many((f"{prefix} {n}" for n in range(60)), room_id=room["id"])
    return list(read_all(author, room["conversation_id"]).values())


@contextmanager
def running_client(account: Account, url: str) -> Iterator[RunningClient]:
    folder = Folder()
    client = RunningClient(account, url, folder)
    try:
        yield client
    finally:
        end(client.process)
        folder.remove()


def test_its_copy_equals_a_fresh_read_after_everything(deployment: Deployment) -> None:
    """Messages before it starts, while it is connected, and while its connection is cut; edits and deletions of each."""
    ann, bob = Account(deployment.url), deployment.user()
    room, left = bob.room(ann, name="den"), bob.room(ann, name="left")
    name, dm = room["conversation_id"], f"dm:{min(ann.id, bob.id)}:{max(ann.id, bob.id)}"
    before = send_many(bob, room, "before")
    bob.send("in the other room", room_id=left["id"])
    direct = [ann.send(f"direct {n}", recipient_id=bob.id) for n in range(3)]
    with Proxy(deployment.server.port) as network, running_client(ann, network.url) as client:
        for content in ("before 59", "before 10"):  # the newest and the oldest of a page, which it writes one by one
            client.wait_for(name, content)
        client.wait_for(dm, "direct 2")
        assert {m["seq"] for m in client.messages[name].values()} == set(range(11, 61)), "the last page alone"

        bob("PATCH", f"/api/chat/messages/{before[40]['id']}", {"content": "edited while connected"})
        bob("DELETE", f"/api/chat/messages/{before[41]['id']}")
        bob("POST", f"/api/chat/conversations/{dm}/read", {"seq": direct[1]["seq"]})
        bob.send("while connected", room_id=room["id"])
        client.wait_for(name, "while connected")
        client.wait_until_equal({dm: read_all(ann, dm)})

        network.cut()
        with bob.live() as socket:
            socket.send_many((f"while cut {n}" for n in range(250)), room_id=room["id"])
        bob("PATCH", f"/api/chat/messages/{before[50]['id']}", {"content": "edited while cut"})
        bob("DELETE", f"/api/chat/messages/{before[51]['id']}?hard=true")
        bob("PUT", f"/api/chat/messages/{before[52]['id']}/reactions/%F0%9F%91%8D")
        bob("POST", f"/api/chat/conversations/{dm}/read", {"seq": direct[2]["seq"]})
        bob("DELETE", f"/api/rooms/{left['id']}/members/{ann.id}")
        other = bob.room(ann, name="other")
        bob.send("in the new room", room_id=other["id"])
        network.restore()

        client.wait_for(name, "while cut 249")
        client.wait_for(other["conversation_id"], "in the new room")
        bob.send("the end", room_id=room["id"])
        client.wait_for(name, "the end")
        shown = {id_: message for id_, message in read_all(ann, name).items() if message["seq"] > 10}
        client.wait_until_equal({name: shown, dm: read_all(ann, dm), left["conversation_id"]: {}})
        assert all(message["is_read"] for message in client.messages[dm].values())

        with ann.live(client.client_id):  # a newer socket of the same client
            assert client.process.wait(PATIENCE) == 0


def test_it_forgets_a_deleted_room_and_ends_with_its_session(deployment: Deployment) -> None:
    ann, bob = Account(deployment.url), deployment.user()
    with running_client(ann, deployment.url) as client:
        wait_until(lambda: len(ann("GET", "/api/auth/sessions")) == 2, "the sign-in of the client")
        room = bob.room(ann)
        name = room["conversation_id"]
        bob.send("soon gone", room_id=room["id"])
        client.wait_for(name, "soon gone")
        bob("DELETE", f"/api/rooms/{room['id']}", status=204)
        client.wait_until_equal({name: {}})
        ann("DELETE", "/api/auth/sessions", status=204)
        assert client.process.wait(PATIENCE) == 1
        assert "HTTPError: HTTP Error 401" in tail(client.log)


@pytest.fixture
def program() -> Any:
    """The module of the program."""
    spec = importlib.util.spec_from_file_location("reference_client", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_gets_new_tokens_when_the_server_refuses_the_present_one(deployment: Deployment, program: Any) -> None:
    """A refused call (401) and a refused socket (4401)."""
    ann, tickets, tokens = Account(deployment.url), [], set()

    class Interrupted(program.Client):  # type: ignore[misc]
        def call(self, method: str, path: str) -> Any:
            if not tickets and path.endswith("/ws-ticket"):
                tickets.append({"ticket": "expired"})
                return tickets[0]
            tokens.add(self.tokens["access_token"])
            return super().call(method, path)

    changes: list[Frame] = []
    client = Interrupted(deployment.url, ann.email, PASSWORD, "phone", changes.append)
    first = client.tokens["access_token"]
    thread = Thread(target=client.run)
    thread.start()
    try:
        wait_until(lambda: client.is_caught_up, "the socket that follows the refused one", PATIENCE)
        assert tokens == {None, client.tokens["access_token"]}
        assert client.tokens["access_token"] != first
    finally:
        ann.live("phone")
        thread.join()


def test_changes_between_the_steps_of_a_start_are_not_missed(deployment: Deployment, program: Any) -> None:
    """They change messages that are older than the page, and one on it. The connection is lost before the first resumption."""
    ann, bob = Account(deployment.url), deployment.user()
    room = bob.room(ann)
    name, sent = room["conversation_id"], send_many(bob, room, "before")
    page = f"/api/chat/messages?conversation_id={name}"
    changed_behind = {"/api/chat/conversations?limit=100": (sent[0], sent[59]), page: (sent[1],)}
    losses = [ConnectionResetError("before the first resumption")]
    changes: list[Frame] = []

    class Interrupted(program.Client):  # type: ignore[misc]
        def call(self, method: str, path: str) -> Any:
            answer = super().call(method, path)
            for message in changed_behind.pop(path, ()):
                for content in ("edited", "edited again"):
                    bob("PATCH", f"/api/chat/messages/{message['id']}", {"content": content})
                bob.send("a later message", room_id=room["id"])
            return answer

        def load(self) -> None:
            super().load()
            if losses:
                raise losses.pop()

    client = Interrupted(deployment.url, ann.email, PASSWORD, "phone", changes.append)
    thread = Thread(target=client.run)
    thread.start()
    try:
        wait_until(lambda: client.is_caught_up, "the last page of the resumption", PATIENCE)
    finally:
        ann.live("phone")
        thread.join()
    assert not changed_behind
    expected = {m["id"]: m for m in read_all(ann, name).values() if m["seq"] in {1, 2, *range(13, 64)}}
    assert {id_: m for id_, m in client.messages[name].items() if id_ in expected} == expected
    changes.clear()
    client.merge([sent[0], sent[59]])  # their states before the edits
    assert changes == []


def test_the_guide_links_to_it_and_it_is_short() -> None:
    assert "(examples/reference_client.py)" in (ROOT / "docs/realtime.md").read_text()
    lines = [line for line in PROGRAM.read_text().splitlines() if line.strip()]
    assert len(lines) <= 105
