"""Clients of Node and tabs of a browser, while workers are killed, Redis restarts, sockets are cut and pages are loaded again.

The suite runs a short form. `make chaos` runs the long one, for a minute: CLIENT_CHAOS_SECONDS is its length.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import playwright.sync_api
import pytest
from playwright.sync_api import BrowserContext

from backend.web.client_library import SOURCES, joined_library
from tests.clients.conftest import Person, Tab, register
from tests.openapi.node import ROOT as NODE
from tests.processes import wait_until
from tests.realtime.client import Api
from tests.realtime.conftest import Deployment, OpenDeployment
from tests.realtime.proxy import Proxy

SECONDS = float(os.environ.get("CLIENT_CHAOS_SECONDS", "8"))
WRITER = Path(__file__).parent / "writer.mjs"
RECONNECTED = 40_000
"""Milliseconds in which a client is live again: between two attempts it waits for up to 30 s."""
COUNTED = ("id", "last_seq", "last_modseq", "last_read_seq", "unread_count", "mention_count")


class Writer:
    """A process of Node that writes at random."""

    def __init__(self, library: Path, url: str, person: Person, name: str, conversations: list[str], folder: Path):
        self.name, self.person = name, person
        arguments = [
            url,
            person.account["email"],
            person.account["password"],
            str(folder / name),
            name,
            ",".join(conversations),
            str(RECONNECTED / 1000),
        ]
        command = [NODE / "bin" / "node", WRITER, library, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_until_ready(self) -> None:
        assert self._line() == "ready"

    def stop_writing(self) -> None:
        self._write()

    def report(self) -> dict[str, Any]:
        """The state of the client, when it is live and has sent everything."""
        self._write()
        report = self._line()
        assert "stuck" not in report, f"{self.name}: {report}"
        return report

    def state(self) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
        report = self.report()
        return report["inbox"], report["messages"]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _write(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@pytest.fixture
def close_all() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_every_client_has_what_the_server_has(
    open_deployment: OpenDeployment, context: BrowserContext, tmp_path: Path, close_all: ExitStack
) -> None:
    deployment = open_deployment("redis", RATE_LIMITS="off")
    proxy = close_all.enter_context(Proxy(deployment.server.port))
    people = [register(deployment.url) for _ in range(6)]
    room = people[0].api.room(*(person.api for person in people[1:]))["conversation_id"]
    pair = "dm:{}:{}".format(*sorted((people[0].api.id, people[1].api.id)))
    places = [[room, "lobby", pair] if number < 2 else [room, "lobby"] for number in range(6)]
    library = tmp_path / "confab.mjs"
    library.write_bytes(joined_library())
    (tmp_path / "confab-node.js").write_text((SOURCES / "confab-node.js").read_text())
    writers = [
        Writer(library, proxy.url, person, f"writer{number}", places[number], tmp_path)
        for number, person in enumerate(people[:5])
    ]
    for writer in writers:
        close_all.callback(writer.close)
    tabs = [Tab(context.new_page(), proxy.url) for _ in range(2)]
    for number, tab in enumerate(tabs):
        tab.open(None if number else people[5].account).live()
    for writer in writers:
        writer.wait_until_ready()
    _make_faults(deployment, proxy, tabs, room)
    for writer in writers:
        writer.stop_writing()
    for tab in tabs:
        tab.run("id => { chat.conversation(id); chat.conversation('lobby'); }", room)
        tab.until("chat.state.value.status === 'live'", wait=RECONNECTED)
        tab.until("id => chat.conversation(id).outbox.value.length === 0", room, wait=RECONNECTED)
    # Each has sent everything, so nothing changes any more, and what is on its way arrives.
    assert sum(writer.report()["sent"] for writer in writers) > 20
    for writer, person in zip(writers, people, strict=False):
        _wait_until_same(person.api, writer.state)
    _check_sent(people[5].api, room, tabs)
    for tab in tabs:
        code = f"{json.dumps(places[5])}.map((id) => [id, chat.conversation(id).messages.value])"
        code = f"() => [chat.inbox.value, Object.fromEntries({code})]"
        _wait_until_same(people[5].api, lambda tab=tab, code=code: tab.run(code))


def _make_faults(deployment: Deployment, proxy: Proxy, tabs: list[Tab], room: str) -> None:
    """Make a fault each second or so, and let a tab send a message before each."""
    chance = random.Random(7)

    def cut() -> None:
        proxy.cut()
        proxy.restore()

    faults: list[Callable[[], object]] = [
        cut,
        lambda: os.kill(chance.choice(deployment.server.worker_pids), signal.SIGKILL),
        cut,
        lambda: (deployment.redis.kill(), deployment.redis.start()),  # type: ignore[union-attr]
        lambda: os.kill(deployment.server.pid, signal.SIGHUP),
        lambda: _reload(chance.choice(tabs)),
    ]
    end, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < end or number < len(faults):
        code = "([id, content]) => void chat.conversation(id).send({content})"
        tabs[number % 2].run(code, [room, f"tab {number}"])
        faults[number % len(faults)]()
        number += 1
        time.sleep(chance.uniform(0.2, 1.0))  # the faults are the load of this test, nothing is awaited
        wait_until(lambda: deployment.server.worker_pids, "a worker runs")


def _reload(tab: Tab) -> None:
    while True:
        with suppress(playwright.sync_api.Error):  # the server is away
            tab.open()
            return


def _fresh(api: Api, conversation: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    while True:
        last = messages[-1]["seq"] if messages else 0
        page = api("GET", f"/api/chat/messages?conversation_id={conversation}&after={last}&limit=100")
        if not page:
            return messages
        messages.extend(page)


def _wait_until_same(
    api: Api, read: Callable[[], tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]]
) -> None:
    """Wait until the state of a client is what a fresh read answers."""
    found = ""

    def is_same() -> bool:
        nonlocal found
        found = _difference(api, *read())
        return not found

    try:
        wait_until(is_same, "the client has what the server has")
    except TimeoutError as error:
        raise AssertionError(found) from error


def _difference(api: Api, inbox: list[dict[str, Any]], messages: dict[str, list[dict[str, Any]]]) -> str:
    """Say where the state of a client differs from a fresh read."""
    found = []
    rows = {row["id"]: {name: row[name] for name in COUNTED} for row in api("GET", "/api/chat/conversations?limit=100")}
    held_rows = {row["id"]: {name: row[name] for name in COUNTED} for row in inbox}
    if held_rows != rows:
        found.append(f"inbox: {held_rows} instead of {rows}")
    for conversation, held in messages.items():
        fresh = _fresh(api, conversation)
        if len(held) < min(25, len(fresh)):
            found.append(f"{conversation}: only {len(held)} messages of {len(fresh)}")
        for message, expected in zip(held, fresh[-len(held) :], strict=True):
            if message != expected:
                found.append(f"{conversation}: {message} instead of {expected}")
    return "\n".join(found)


def _check_sent(api: Api, room: str, tabs: list[Tab]) -> None:
    """What the tabs sent is there once each, and each tab's in its order."""
    sent = [message["content"] for message in _fresh(api, room) if message["content"].startswith("tab ")]
    numbers = [int(content.split()[1]) for content in sent]
    assert sorted(numbers) == list(range(len(numbers)))
    for parity in (0, 1):
        own = [number for number in numbers if number % 2 == parity]
        assert own == sorted(own)
