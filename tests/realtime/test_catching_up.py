"""What has no modseq and happens while a socket catches up: it follows what the socket reads, since no later read finds it."""

from __future__ import annotations

from typing import Any

import pytest

from backend.bus.local import LocalBus
from backend.events import Event, opened_event, read_event, room_updated_event
from backend.realtime.delivery import history
from tests.messages.changing import send, user_id
from tests.realtime.pair import settle
from tests.realtime.scenario import Device, Scenario, receive, wait_until
from tests.realtime.test_resume_races import before_page


def mark(scenario: Scenario, reader: int, seq: int, source: Device | None = None) -> None:
    """Let the bus bring a read mark of the user *reader*, which the socket *source* set."""
    scenario.hub.dispatch([read_event(scenario.name, reader, seq, source.connection.uid if source else None)])


@pytest.mark.parametrize("number", [1, 2])
def test_what_happens_during_a_resume_follows_its_pages(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The last read mark of each user, and the room as it is, in the order of their arrival. Before a page or between two."""
    scenario.send("1", "2")
    ann, ben = user_id(scenario.ann), user_id(scenario.ben)
    device = scenario.subscribed_device(scenario.ben)

    def happen() -> None:
        for reader, seq, source in ((ann, 1, None), (7, 1, None), (ben, 2, device), (ann, 2, None)):
            mark(scenario, reader, seq, source)
        for name in ("renamed", "renamed again"):
            room = scenario.ann.patch(f"/api/rooms/{scenario.room['id']}", {"name": name}).get_json()
            scenario.hub.dispatch([room_updated_event(room)])
            settle()

    before_page(monkeypatch, number, happen)
    device.command("resume")
    frames = device.frames()
    kept = [frame for frame in frames if frame["type"] != "resumed"]
    assert [frame["type"] for frame in kept] == ["read", "read", "room.updated"]
    assert [(frame["user_id"], frame["seq"]) for frame in kept[:2]] == [(7, 1), (ann, 2)]
    assert kept[2]["room"] == scenario.ben.get(f"/api/rooms/{scenario.room['id']}").get_json()
    last_page = max(
        place
        for place, frame in enumerate(frames)
        if any(row["id"] == scenario.name for row in frame.get("conversations", []))
    )
    assert frames.index(kept[0]) > last_page
    mark(scenario, 8, 2)
    assert device.received() == ["read 8"]


@pytest.mark.parametrize("is_seq_known", [True, False])
def test_what_happens_while_a_page_is_read_follows_it(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, is_seq_known: bool
) -> None:
    """The page has the message as it was before it was read by its receiver."""
    device, (modseq, seq) = scenario.late_device()
    load_changes = history.load_changes

    def load(*given: Any) -> history.Changes:
        changes = load_changes(*given)
        mark(scenario, 7, 1)
        return changes

    monkeypatch.setattr(history, "load_changes", load)
    with scenario.hub.runtime.reading():
        scenario.hub.subscribe(device.connection, scenario.name, modseq, seq if is_seq_known else None)
    assert device.received() == ["message.created 1", "read 7"]


def test_what_happens_after_a_failed_resume_is_received(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    device = scenario.subscribed_device(scenario.ben)

    def fail() -> None:
        mark(scenario, 7, 0)
        raise KeyError("planted")

    before_page(monkeypatch, 1, fail)
    with pytest.raises(KeyError):
        device.command("resume")
    mark(scenario, 8, 0)
    assert device.received() == ["read 7", "read 8"]


def test_a_new_conversation_is_read_once_the_bus_brings_its_events(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here its first message arrives before, and is read by its receiver before."""
    message = send(scenario.ann, "first", recipient_id=user_id(scenario.ben))
    name = message["conversation_id"]
    device = scenario.device(scenario.ann)

    topics: list[str] = []
    monkeypatch.setattr(LocalBus, "subscribe", lambda _, topic: topics.append(topic))

    def wait(_: LocalBus) -> None:
        assert topics == [f"c:{name}"]
        with scenario.hub.runtime.reading():
            scenario.hub.dispatch(history.load_changes(name, 0).events)
        scenario.hub.retry_subscriptions()  # as the heartbeat does
        assert scenario.ben.post(f"/api/chat/conversations/{name}/read", {"seq": 1}).status_code == 200

    monkeypatch.setattr(LocalBus, "wait_until_subscribed", wait)
    scenario.hub.dispatch([opened_event(name, user_id(scenario.ann), 0)])
    frames: list[dict[str, Any]] = []
    assert wait_until(lambda: frames.extend(device.frames()) or frames)
    scenario.reconciler.reconcile()
    settle()
    frames += device.frames()
    assert [(frame["type"], frame["message"]["is_read"]) for frame in frames] == [("message.created", True)]


def test_a_conversation_is_followed_for_a_socket_that_catches_up_alone(scenario: Scenario) -> None:
    """Not any more once it has closed, or is subscribed no more."""
    device, other = (scenario.subscribed_device(client) for client in (scenario.ben, scenario.ann))
    [(modseq, seq)] = scenario.hub.subscriptions.pause(device.connection).values()
    other.connection.drop()
    mark(scenario, 7, 0)
    assert seq is not None
    scenario.subscribe(device, modseq, seq)
    assert device.received() == ["read 7"]
    scenario.hub.subscriptions.pause(device.connection)
    device.connection.drop()
    assert scenario.hub.channels.by_name == {}


def test_a_change_of_a_room_is_kept_for_its_members_alone(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who is no member any more gets nothing."""
    device, stranger = scenario.subscribed_device(scenario.ben), scenario.device(scenario.make.client(), "stranger")
    scenario.subscribe(stranger, *scenario.head())
    scenario.hub.subscriptions.pause(stranger.connection)
    room = scenario.ann.patch(f"/api/rooms/{scenario.room['id']}", {"name": "renamed"}).get_json()
    scenario.hub.dispatch([room_updated_event(room)])
    assert receive(device, 1) == ["room.updated"]
    scenario.subscribe(stranger, *scenario.head())
    assert stranger.received() == []


def test_a_deletion_during_a_resume_is_found(scenario: Scenario) -> None:
    device = scenario.subscribed_device(scenario.ben)
    [(modseq, seq)] = scenario.hub.subscriptions.pause(device.connection).values()
    assert scenario.ann.delete(f"/api/rooms/{scenario.room['id']}").status_code == 204
    scenario.hub.dispatch([Event("room.deleted", {"conversation_id": scenario.name}, scenario.name)])
    assert seq is not None
    scenario.subscribe(device, modseq, seq)
    scenario.reconciler.reconcile()
    assert wait_until(lambda: "room.deleted" in device.received())
    assert scenario.hub.channels.by_name == {}
