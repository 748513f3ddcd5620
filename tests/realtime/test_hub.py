"""The hub of one worker: the sockets that come and go, and the events of a user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from backend.bus.local import LocalBus
from backend.events import Event, opened_event, read_event, revoked_event, room_updated_event
from backend.realtime.hub import GAP_TIMEOUT
from backend.realtime.transport.frames import Close
from tests.messages.changing import send, user_id
from tests.realtime.pair import settle
from tests.realtime.scenario import Device, Scenario, receive, wait_until


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the worker subscribes to on the bus (+), and what it gives up (-), from now on."""
    seen: list[str] = []
    monkeypatch.setattr(LocalBus, "subscribe", lambda _, topic: seen.append(f"+{topic}"))
    monkeypatch.setattr(LocalBus, "unsubscribe", lambda _, topic: seen.append(f"-{topic}"))
    return seen


def test_the_topic_of_a_user_lasts_from_the_first_socket_to_the_last(scenario: Scenario, topics: list[str]) -> None:
    topic = f"u:{user_id(scenario.ben)}"
    first, second = (scenario.device(scenario.ben, name) for name in ("tab", "phone"))
    assert topics == [f"+{topic}"]
    first.connection.close(Close.TOO_SLOW)
    assert topics == [f"+{topic}"]
    second.connection.drop()
    assert topics == [f"+{topic}", f"-{topic}"]
    third = scenario.device(scenario.ben, "tab")
    assert topics == [f"+{topic}", f"-{topic}", f"+{topic}"]
    assert scenario.hub.registry.connections == [third.connection]


def test_a_socket_that_closed_keeps_nothing(scenario: Scenario, topics: list[str]) -> None:
    """No place among the sockets of its address, no subscription, and no topic of a conversation."""
    device, other = scenario.device(scenario.ben, "tab"), scenario.device(scenario.ann)
    assert scenario.server.limits.addresses["192.0.2.1"] == 2
    scenario.subscribe(device, *scenario.head())
    device.connection.close(Close.UNAUTHORIZED)
    assert scenario.server.limits.addresses["192.0.2.1"] == 1
    assert scenario.name not in scenario.hub.channels.by_name
    assert topics[-2:] == [f"-c:{scenario.name}", f"-u:{user_id(scenario.ben)}"]
    assert other.connection.is_open


def test_only_sockets_that_read_too_slowly_are_counted_as_such(scenario: Scenario) -> None:
    before = scenario.hub.metrics["too_slow"]
    for number, code in enumerate((Close.UNAUTHORIZED, Close.TOO_SLOW, Close.RESTARTING, Close.TOO_SLOW)):
        scenario.device(scenario.ben, f"{number}").connection.close(code)
    assert scenario.hub.metrics["too_slow"] - before == 2


def test_a_worker_that_stops_tells_every_client_to_come_back(scenario: Scenario) -> None:
    devices = [scenario.device(client, name) for client in (scenario.ann, scenario.ben) for name in ("a", "b")]
    scenario.hub.stop()
    late = scenario.device(scenario.make.client(), "late")
    for device in (*devices, late):
        assert wait_until(lambda device=device: device.frames() or device.close_code)
        assert device.close_code == Close.RESTARTING


def test_sockets_of_a_session_that_ended_are_closed_when_the_event_arrives(scenario: Scenario) -> None:
    ben = scenario.ben.user  # type: ignore[attr-defined]
    session = scenario.make.client(ben)
    ended, open_ = (scenario.device(scenario.ben, name, ["read"]) for name in ("a", "b"))
    ended.command("auth", token=session.token)
    open_.command("auth", token=scenario.make.token(ben))
    assert session.post("/api/auth/logout").status_code == 204
    scenario.hub.dispatch([revoked_event(user_id(scenario.ann))])
    scenario.hub.dispatch([revoked_event(user_id(scenario.ben))])
    assert wait_until(lambda: not ended.connection.is_open)
    assert open_.connection.is_open


def find_missed(scenario: Scenario, name: str) -> None:
    """Wait until the worker follows a conversation, and read what the bus did not bring."""
    assert wait_until(lambda: name in scenario.hub.channels.by_name)
    scenario.reconciler.reconcile()


def test_a_conversation_that_was_opened_is_received_from_its_first_message(scenario: Scenario) -> None:
    """By the sockets of this user that may read. A direct conversation is no room that could be announced."""
    message = send(scenario.ann, "first", recipient_id=user_id(scenario.ben))
    reader, writer = (scenario.device(scenario.ben, scope, [scope]) for scope in ("read", "write"))
    stranger = scenario.device(scenario.make.client())
    scenario.hub.dispatch([opened_event(message["conversation_id"], user_id(scenario.ben))])
    find_missed(scenario, message["conversation_id"])
    assert receive(reader, 1) == ["message.created first"]
    assert (writer.received(), stranger.received()) == ([], [])


def test_a_room_is_announced_before_its_events(scenario: Scenario) -> None:
    """From where the user joined, and not to those who left since."""
    eve = scenario.make.client()
    device = scenario.device(eve)
    scenario.send("before")
    since = scenario.head()[0]
    eve.post(f"/api/rooms/{scenario.room['id']}/join")
    scenario.send("behind")
    scenario.hub.dispatch([opened_event(scenario.name, user_id(eve), since)])
    find_missed(scenario, scenario.name)
    frames: list[dict[str, object]] = []
    assert wait_until(lambda: frames.extend(device.frames()) or len(frames) >= 3)
    assert [frame["type"] for frame in frames] == ["room.created", "member.joined", "message.created"]
    assert frames[0]["conversation_id"] == scenario.name
    assert frames[0]["room"] == eve.get(f"/api/rooms/{scenario.room['id']}").get_json()
    late = scenario.device(eve, "late")
    eve.post(f"/api/rooms/{scenario.room['id']}/leave")
    scenario.hub.dispatch([opened_event(scenario.name, user_id(eve), since)])
    sentinel = send(scenario.ann, "direct", recipient_id=user_id(eve))
    scenario.hub.dispatch([opened_event(sentinel["conversation_id"], user_id(eve))])
    find_missed(scenario, sentinel["conversation_id"])
    assert receive(late, 1) == ["message.created direct"]


def subscribed(scenario: Scenario) -> list[Device]:
    """A device of ann and one of ben that have received everything so far."""
    return [scenario.subscribed_device(client) for client in (scenario.ann, scenario.ben)]


def test_a_member_who_leaves_ends_no_other_subscription(scenario: Scenario) -> None:
    ann, ben = subscribed(scenario)
    start = scenario.head()[0]
    scenario.ben.post(f"/api/rooms/{scenario.room['id']}/leave")
    scenario.send("1")
    scenario.hub.dispatch(scenario.events(start))
    left = f"member.left {user_id(scenario.ben)}"
    assert receive(ann, 2) == [left, "message.created 1"]
    assert (ben.received(), ben.connection.conversations) == ([left], set())
    assert ann.connection.conversations == {scenario.name}


@pytest.mark.parametrize("form", [str, datetime.fromisoformat])
def test_a_change_of_a_room_reaches_each_subscriber_once(scenario: Scenario, form: Callable[[str], object]) -> None:
    """With what that member may see. The bus may repeat the event, with a time as the database has it or as text."""
    devices = subscribed(scenario)
    path = f"/api/rooms/{scenario.room['id']}"
    room = scenario.ann.patch(path, {"name": "renamed"}).get_json()
    event = room_updated_event(room | {"updated_at": form(room["updated_at"])})
    for _ in range(2):
        scenario.hub.dispatch([event])
    received: list[list[dict[str, Any]]] = [[] for _ in devices]

    def all_received() -> bool:
        for frames, device in zip(received, devices, strict=True):
            frames.extend(device.frames())
        return all(received)

    assert wait_until(all_received)
    settle()
    scenario.reconciler.reconcile()
    all_received()
    for frames, client in zip(received, (scenario.ann, scenario.ben), strict=True):
        assert [(frame["type"], frame["room"]) for frame in frames] == [("room.updated", client.get(path).get_json())]


def test_only_a_gap_starts_a_timer_and_only_one(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    monkeypatch.setattr(scenario.hub.runtime, "spawn", lambda _task, *_, after=0.0: started.append(after))
    start = scenario.head()[0]
    [device, _] = subscribed(scenario)
    scenario.send("1", "2", "3", "4")
    one, two, three, four = scenario.events(start)
    scenario.hub.dispatch([one])
    assert (receive(device, 1), started) == (["message.created 1"], [])
    scenario.hub.dispatch([three])
    assert wait_until(lambda: started)
    scenario.hub.dispatch([four])
    settle()
    scenario.hub.dispatch([two])
    assert receive(device, 3) == [f"message.created {n}" for n in (2, 3, 4)]
    assert started == [GAP_TIMEOUT]


def test_a_read_mark_reaches_the_subscribers_of_its_conversation_alone(scenario: Scenario) -> None:
    """And not the socket that moved it. An event of a conversation that nobody follows is dropped."""
    ann, ben = subscribed(scenario)
    source = scenario.device(scenario.ben, "source")
    scenario.subscribe(source, *scenario.head())
    marks = [
        read_event(name, user_id(scenario.ben), 1, source.connection.uid)
        for name in (scenario.name, "lobby", "room:999999")
    ]
    scenario.hub.dispatch(marks)
    scenario.hub.dispatch([Event("read", {"conversation_id": scenario.name, "user_id": 7}, scenario.name)])
    expected = [f"read {user_id(scenario.ben)}", "read 7"]
    assert [device.received() for device in (ann, ben, source)] == [expected, expected, expected[1:]]
