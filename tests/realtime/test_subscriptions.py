"""Subscriptions, repair and reconciliation with a database and real sockets, but without a bus: no event arrives by itself."""

from __future__ import annotations

import logging
from _socket import socketpair
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from backend.bus.local import LocalBus
from backend.events import Event, typing_event
from backend.identity.authenticate import identify
from backend.realtime import gateway
from backend.realtime.delivery import history as module
from backend.realtime.delivery.history import load_changes
from backend.realtime.transport.connection_limits import ConnectionLimits
from backend.realtime.transport.frames import Close
from tests.realtime.pair import settle
from tests.realtime.scenario import Scenario


def fail_to_load_changes(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(module, "load_changes", fail)


UNAVAILABLE = OperationalError("planted", None, ConnectionError("planted"))


def test_a_device_gets_what_it_missed_from_the_database_and_then_from_the_channel(scenario: Scenario) -> None:
    start = scenario.head()
    scenario.send("1", "2")
    ann, ben = scenario.device(scenario.ann), scenario.device(scenario.ben)
    scenario.subscribe(ann, *scenario.head())
    scenario.subscribe(ben, *start)
    assert (ann.received(), ben.received()) == ([], ["message.created 1", "message.created 2"])
    scenario.send("3")
    scenario.repair()
    assert ann.received() == ben.received() == ["message.created 3"]


def test_a_removed_user_gets_what_it_missed_up_to_the_removal(scenario: Scenario) -> None:
    start, ben_id = scenario.head(), scenario.ben.user.id  # type: ignore[attr-defined]
    scenario.send("before")
    assert scenario.ann.delete(f"/api/rooms/{scenario.room['id']}/members/{ben_id}").status_code == 204
    scenario.send("behind")
    ann, ben = scenario.device(scenario.ann), scenario.device(scenario.ben)
    scenario.subscribe(ann, *scenario.head())
    scenario.subscribe(ben, *start)
    assert ben.received() == ["message.created before", f"member.left {ben_id}"]
    scenario.send("later")
    scenario.repair()
    assert (ann.received(), ben.received()) == (["message.created later"], [])
    assert scenario.name not in ben.connection.conversations


def test_another_member_who_left_meanwhile_ends_nothing(scenario: Scenario) -> None:
    eve = scenario.make.client()
    device, start = scenario.late_device()
    path = f"/api/rooms/{scenario.room['id']}"
    assert [eve.post(f"{path}/{step}").status_code for step in ("join", "leave")] == [200, 204]
    scenario.send("2")
    scenario.repair()
    scenario.subscribe(device, *start)
    left = f"member.left {eve.user.id}"  # type: ignore[attr-defined]
    assert device.received() == ["message.created 1", left, "message.created 2"]
    assert device.connection.conversations == {scenario.name}


def test_a_join_that_is_noted_twice_keeps_where_it_began(scenario: Scenario) -> None:
    """The reconciler does not know where. An event does, and the last one counts."""
    connection, manager = scenario.device(scenario.ben).connection, scenario.hub.subscriptions
    with manager.bootstrapping(connection) as noted:
        for since, expected in ((None, None), (5, 5), (None, 5), (7, 7)):
            assert not manager.needs_subscription([connection], scenario.name, since)
            assert noted == {scenario.name: expected}
    assert manager.needs_subscription([connection], scenario.name, None)


@pytest.mark.parametrize("how", ["catching up", "repair", "reconciliation"])
def test_the_deletion_of_a_room_is_sent_however_it_is_found(scenario: Scenario, how: str) -> None:
    start = scenario.head()
    scenario.send("last")
    ann, ben = scenario.device(scenario.ann), scenario.device(scenario.ben)
    scenario.subscribe(ann, *scenario.head())
    assert scenario.ann.delete(f"/api/rooms/{scenario.room['id']}").status_code == 204
    if how == "catching up":
        scenario.subscribe(ben, *start)
        assert ben.received() == ["room.deleted"]
        assert ann.connection.conversations == {scenario.name}
    elif how == "repair":
        scenario.repair()
    else:
        scenario.reconciler.reconcile()
    if how != "catching up":
        assert ann.received() == ["room.deleted"]
        assert (ann.connection.conversations, scenario.hub.channels.by_name) == (set(), {})


def test_an_interrupted_subscription_is_retried(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    ben, start = scenario.late_device()
    fail_to_load_changes(monkeypatch, UNAVAILABLE)
    scenario.subscribe(ben, *start)
    scenario.hub.retry_subscriptions()
    assert ben.received() == []
    monkeypatch.setattr(module, "load_changes", load_changes)
    scenario.hub.retry_subscriptions()
    assert ben.received() == ["message.created 1"]
    scenario.hub.retry_subscriptions()
    assert (ben.received(), scenario.hub.subscriptions.pending) == ([], {})


def test_a_pending_subscription_that_is_paused_continues_from_its_position(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben, start = scenario.late_device()
    fail_to_load_changes(monkeypatch, UNAVAILABLE)
    scenario.subscribe(ben, *start)
    assert scenario.hub.subscriptions.pause(ben.connection) == {scenario.name: start}
    monkeypatch.setattr(module, "load_changes", load_changes)
    scenario.hub.retry_subscriptions()
    assert ben.received() == [], "the subscription is paused"
    scenario.subscribe(ben, *start)
    assert ben.received() == ["message.created 1"]


def test_a_device_that_unsubscribes_while_it_catches_up_gets_nothing_more(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It unsubscribes while the database answers."""
    ben, start = scenario.late_device()

    def leave(*given: Any) -> Any:
        scenario.hub.subscriptions.unsubscribe(ben.connection, scenario.name)
        return load_changes(*given)

    monkeypatch.setattr(module, "load_changes", leave)
    scenario.subscribe(ben, *start)
    assert (ben.received(), scenario.hub.subscriptions.pending) == ([], {})


def test_an_unexpected_error_is_logged(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ben, start = scenario.late_device()
    fail_to_load_changes(monkeypatch, KeyError("planted"))
    with caplog.at_level(logging.ERROR):
        scenario.subscribe(ben, *start)
    assert f"a socket could not be subscribed to {scenario.name}" in caplog.text


@pytest.mark.parametrize("how", ["catching up", "reconciliation"])
def test_a_database_restored_from_a_backup_is_followed_from_its_head(scenario: Scenario, how: str) -> None:
    scenario.send("1")
    start = scenario.head()
    scenario.send("2", "3")
    ann, ben = scenario.device(scenario.ann), scenario.device(scenario.ben)
    scenario.subscribe(ann, *scenario.head())
    scenario.restore_backup(*start)
    if how == "reconciliation":
        scenario.reconciler.reconcile()
    scenario.subscribe(ben, *start)
    scenario.send("2, again")
    scenario.repair()
    assert ann.received() == ben.received() == ["message.created 2, again"]


def test_a_device_without_the_scope_read_is_subscribed_to_nothing(scenario: Scenario) -> None:
    device = scenario.device(scenario.ben)
    device.connection.credentials = replace(device.connection.credentials, scopes=frozenset({"write"}))
    scenario.subscribe(device, *scenario.head())
    scenario.hub.subscribe_user(device.connection.user_id, scenario.name)
    settle()
    assert (device.connection.conversations, scenario.hub.channels.by_name) == (set(), {})
    device.connection.credentials = replace(device.connection.credentials, scopes=frozenset({"read"}))
    scenario.hub.subscribe_user(device.connection.user_id, scenario.name)
    settle()
    assert device.connection.conversations == {scenario.name}


def test_a_user_who_left_before_the_subscription_is_not_subscribed(scenario: Scenario) -> None:
    device, ben_id = scenario.device(scenario.ben), scenario.ben.user.id  # type: ignore[attr-defined]
    member = scenario.device(scenario.ann)
    assert scenario.ann.delete(f"/api/rooms/{scenario.room['id']}/members/{ben_id}").status_code == 204
    scenario.hub.subscribe_user(ben_id, scenario.name)
    scenario.hub.subscribe_user(ben_id, f"dm:{ben_id}:{ben_id + 1}")
    scenario.hub.subscribe_user(member.connection.user_id, scenario.name)
    settle()
    assert member.connection.conversations == {scenario.name}, "the last of the three"
    assert (device.connection.conversations, device.received()) == (set(), [])


def test_typing_reaches_subscribers_and_ends_once(scenario: Scenario) -> None:
    ann = scenario.device(scenario.ann)
    ben_id: int = scenario.ben.user.id  # type: ignore[attr-defined]
    for is_typing in (True, False):
        scenario.hub.dispatch(
            [typing_event(scenario.name, ben_id, is_typing)]
        )  # the conversation has no subscriber yet
    scenario.subscribe(ann, *scenario.head())
    for is_typing in (False, True, False, False):
        scenario.hub.dispatch([typing_event(scenario.name, ben_id, is_typing)])
    assert ann.received() == [f"typing {ben_id}"] * 2


def test_an_event_without_a_receiver_is_logged(scenario: Scenario, caplog: pytest.LogCaptureFixture) -> None:
    scenario.hub.dispatch([Event("typing", {})])
    assert "dropped an event without a conversation or a user: typing" in caplog.text


def test_no_message_is_lost_when_the_bus_fails(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(LocalBus, "publish", fail)
    ann = scenario.device(scenario.ann)
    scenario.subscribe(ann, *scenario.head())
    scenario.send("1")
    assert "an event could not be published" in caplog.text
    scenario.repair()
    assert ann.received() == ["message.created 1"]


def test_a_background_task_that_fails_is_logged(scenario: Scenario, caplog: pytest.LogCaptureFixture) -> None:
    def query() -> None:
        raise UNAVAILABLE

    def fail() -> None:
        raise KeyError("planted")

    scenario.hub.runtime.spawn(query)
    scenario.hub.runtime.spawn(fail)
    settle()
    assert "query failed: the database is away" in caplog.text
    assert "fail failed" in caplog.text


def test_a_device_that_connects_while_the_worker_stops_is_closed(scenario: Scenario) -> None:
    first = scenario.device(scenario.ann)
    scenario.hub.stop()
    late = scenario.device(scenario.ann)
    assert not first.connection.is_open
    assert not late.connection.is_open


@pytest.mark.parametrize("error", [UNAVAILABLE, KeyError("planted")])
def test_a_socket_that_cannot_be_opened_is_closed(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(gateway, "heads_for", fail)
    with scenario.app.app_context():
        opening = gateway.Opening(scenario.server, identify(str(scenario.ann.token)), "x")
    ours, theirs = socketpair()
    ours.setblocking(False)
    limits = ConnectionLimits(is_limited=True)
    opening.complete(ours, limits.acquire("192.0.2.1"))
    close = theirs.recv(1000)
    theirs.close()
    assert (close[0], int.from_bytes(close[2:4], "big")) == (0x88, Close.RESTARTING)
    assert (scenario.hub.registry.users, scenario.hub.subscriptions.pending) == ({}, {})
    assert not limits.addresses
    assert ("a socket could not be opened" in caplog.text) == isinstance(error, KeyError)
    for connection in list(scenario.hub.registry.closing):
        connection.drop()
