"""What happens while a socket resumes: it closes, its user joins a conversation, and the reconciler finds one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from sqlalchemy import exc

from backend.conversations.references import resolve_conversation
from backend.inbox.sync import sync_page
from backend.messages.append import append_messages
from backend.messages.drafts import Draft
from backend.realtime import commands
from backend.realtime.delivery import history
from backend.realtime.transport import write_buffer
from tests.realtime.pair import settle
from tests.realtime.scenario import Device, Scenario, receive, wait_until


def before_page(monkeypatch: pytest.MonkeyPatch, number: int, action: Callable[[], object]) -> list[int]:
    """Call *action* before page *number* of a resume is read. Each page has one change of one conversation.

    Returns a list of the pages that were read, which grows.
    """
    pages: list[int] = []

    def read_page(*given: Any, only: Any = None) -> Any:
        pages.append(len(pages) + 1)
        assert len(pages) < 50, "the resume does not end"
        if len(pages) == number:
            action()
        return sync_page(*given, only=only)

    monkeypatch.setattr(commands, "PAGE_BYTES", 1)
    monkeypatch.setattr(commands, "sync_page", read_page)
    return pages


@pytest.mark.parametrize("number", [1, 2])
def test_a_socket_that_closes_while_it_resumes_is_subscribed_to_nothing(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    scenario.send("1")
    device = scenario.device(scenario.ben)
    scenario.subscribe(device, *scenario.head())
    pages = before_page(monkeypatch, number, device.connection.drop)
    device.command("resume")
    assert pages[-1] == number
    assert (scenario.hub.channels.by_name, scenario.hub.subscriptions.pending) == ({}, {})


@pytest.mark.parametrize("size", [1, 500])
def test_a_socket_that_closes_between_two_pages_of_its_bootstrapping_is_subscribed_to_nothing(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    """The server notices it when it writes the first page, which may be the last."""
    device, start = scenario.late_device()
    scenario.send("2", "3")
    scenario.repair()
    monkeypatch.setattr(history, "PAGE", size)
    device.theirs.close()
    scenario.subscribe(device, *start)
    assert not device.connection.is_open
    [channel] = scenario.hub.channels.by_name.values()
    assert device.connection not in channel.subscribers
    failures = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (scenario.hub.subscriptions.pending, failures) == ({}, [])


def events_of(device: Device) -> list[str]:
    """What *device* received besides the answers to its commands."""
    return [each for each in device.received() if each not in ("resumed", "ok")]


def test_a_conversation_that_waits_for_a_later_page_is_not_subscribed_before(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user joined it while the socket opened, and the reconciler finds it between two pages."""
    scenario.send("1")
    device, ben_id = scenario.device(scenario.ben), scenario.ben.user.id  # type: ignore[attr-defined]

    def find() -> None:
        scenario.hub.subscribe_user(ben_id, scenario.name)
        wait_until(lambda: scenario.name in scenario.hub.channels.by_name, seconds=0.2)

    before_page(monkeypatch, 2, find)
    device.command("resume")
    assert events_of(device) == []
    scenario.send("2")
    scenario.repair()
    assert events_of(device) == ["message.created 2"]


def test_a_conversation_that_appears_between_two_pages_is_on_none_of_them(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is subscribed to it at once, so a later page would repeat its events."""
    scenario.send("1")
    device, rooms = scenario.device(scenario.ben), []
    ben_id: int = scenario.ben.user.id  # type: ignore[attr-defined]

    def join() -> None:
        rooms.append(scenario.make.room(scenario.ann, "new", scenario.ben))
        scenario.ann.post("/api/chat/send", {"content": "new", "room_id": rooms[0]["id"]})
        scenario.hub.subscribe_user(ben_id, rooms[0]["conversation_id"])
        assert wait_until(lambda: rooms[0]["conversation_id"] in device.connection.conversations)
        scenario.hub.repair(scenario.hub.channels.by_name[rooms[0]["conversation_id"]])

    before_page(monkeypatch, 2, join)
    device.command("resume")
    frames = device.frames()
    resumed = [row["id"] for frame in frames if frame["type"] == "resumed" for row in frame["conversations"]]
    assert scenario.name in resumed
    assert rooms[0]["conversation_id"] not in resumed
    contents = [frame["message"]["content"] for frame in frames if frame["type"] == "message.created"]
    assert contents == ["new"]


def test_a_conversation_that_appears_before_the_first_page_is_subscribed_by_it(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not meanwhile: its messages would arrive once by the page and once by the subscription."""
    device = scenario.device(scenario.ben)
    meanwhile: list[set[str]] = []
    room: dict[str, Any] = {}

    def join() -> None:
        room.update(scenario.make.room(scenario.ann, "new", scenario.ben))
        body = {"content": "1", "room_id": room["id"]}
        assert scenario.ann.post("/api/chat/send", body).status_code == 201
        scenario.hub.subscribe_user(scenario.ben.user.id, room["conversation_id"])  # type: ignore[attr-defined]
        settle()
        meanwhile.append(set(device.connection.conversations))

    pages = before_page(monkeypatch, 1, join)
    monkeypatch.setattr(commands, "PAGE_BYTES", 100_000)
    device.command("resume")
    settle()
    assert (len(pages), meanwhile) == (1, [set()])
    frames = device.frames()
    assert [frame["type"] for frame in frames] == ["resumed"]
    [row] = [row for row in frames[0]["conversations"] if row["id"] == room["conversation_id"]]
    assert [message["content"] for message in row["messages"]] == ["1"]
    assert room["conversation_id"] in device.connection.conversations


def test_what_happens_before_the_first_page_is_received_by_it_alone(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, (start, _) = scenario.device(scenario.ben), scenario.head()
    scenario.subscribe(device, *scenario.head())

    def send() -> None:
        scenario.send("1")
        scenario.hub.dispatch(scenario.events(start))
        settle()

    before_page(monkeypatch, 1, send)
    monkeypatch.setattr(commands, "PAGE_BYTES", 100_000)
    device.command("resume")
    settle()
    [resumed] = device.frames()
    [row] = [row for row in resumed["conversations"] if row["id"] == scenario.name]
    assert [message["content"] for message in row["messages"]] == ["1"]
    scenario.send("2")
    scenario.hub.dispatch(scenario.events(start + 1))
    assert receive(device, 1) == ["message.created 2"]


def test_what_a_failed_page_would_have_had_is_received_live(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is subscribed from where the client is, and not from where the socket was subscribed before."""
    device, (start, _) = scenario.device(scenario.ben), scenario.head()
    scenario.send("1", "2")
    scenario.subscribe(device, *scenario.head())

    def fail() -> None:
        raise exc.OperationalError("SELECT", {}, Exception("away"), connection_invalidated=True)

    before_page(monkeypatch, 2, fail)
    device.command("resume", conversations={"lobby": 0, scenario.name: start})
    contents, errors = [], []

    def both() -> bool:
        for frame in device.frames():
            if frame["type"] == "error":
                errors.append(frame["code"])
            contents.extend(m["content"] for row in frame.get("conversations", []) for m in row["messages"])
            contents.extend([frame["message"]["content"]] if "message" in frame else [])
        return len(contents) >= 2

    assert wait_until(both)
    settle()
    both()
    assert (contents, errors) == (["1", "2"], ["unavailable"])


def test_a_page_is_written_after_the_client_has_read_the_one_before(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a client that reads slowly would be closed for being too slow, and would never come to the end."""
    monkeypatch.setattr(commands, "PAGE_BYTES", 100_000)
    monkeypatch.setattr(write_buffer, "MAX_BACKLOG_BYTES", 150_000)
    ann_id: int = scenario.ann.user.id  # type: ignore[attr-defined]
    place = resolve_conversation(ann_id, conversation_id=scenario.name)
    with scenario.app.app_context():
        append_messages([Draft(ann_id, place, "x" * 4_000)] * 200)
    device = scenario.device(scenario.ben)
    resuming = gevent.spawn(device.command, "resume")
    seqs: list[int] = []
    while not resuming.dead or device.connection.buffered_bytes:
        settle()
        assert device.connection.is_open
        seqs += [m["seq"] for f in device.frames() for row in f["conversations"] for m in row["messages"]]
    settle()
    seqs += [m["seq"] for f in device.frames() for row in f["conversations"] for m in row["messages"]]
    assert seqs == list(range(1, 201))
