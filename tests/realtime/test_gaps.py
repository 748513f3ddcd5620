"""Gaps in the order of a conversation: each is closed by the bus, by the timer of the hub, or by the reconciler."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from gevent.event import Event

from backend.events import room_updated_event
from backend.models import ConversationEntry, User
from backend.models.base import db
from backend.realtime.delivery import history, room_updates
from backend.rooms import membership
from tests.factories import Factory
from tests.messages.changing import user_id
from tests.races import paused_before_commit
from tests.realtime.pair import settle
from tests.realtime.scenario import Device, Scenario, receive, wait_until


def has_timer_ended(scenario: Scenario) -> bool:
    """Let the timer of the room's gap end."""
    channel = scenario.hub.channels.by_name[scenario.name]
    return wait_until(lambda: not channel.is_repair_scheduled)


@pytest.mark.parametrize("how", ["bus", "timer"])
def test_a_second_gap_is_closed_after_the_first_was(scenario: Scenario, how: str) -> None:
    """The first gap is closed by the late event, or by the timer."""
    device, (start, _) = scenario.subscribed_device(scenario.ann), scenario.head()
    scenario.send("1", "2")
    one, two = scenario.events(start)
    scenario.hub.dispatch([two])
    assert device.received() == [], "the first message has yet to arrive"
    if how == "bus":
        scenario.hub.dispatch([one])
    assert receive(device, 2) == ["message.created 1", "message.created 2"]
    assert has_timer_ended(scenario)
    scenario.send("3", "4")
    scenario.hub.dispatch(scenario.events(start)[3:])
    assert receive(device, 2) == ["message.created 3", "message.created 4"]


def test_a_gap_that_appears_during_a_repair_is_closed(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its timer ends while the database still answers the repair of the first gap."""
    device, (start, _) = scenario.subscribed_device(scenario.ann), scenario.head()
    scenario.send("1", "2")
    load_changes = history.load_changes

    def load_slowly(name: str, since: int) -> history.Changes:
        monkeypatch.setattr(history, "load_changes", load_changes)
        changes = load_changes(name, since)
        scenario.send("3", "4")
        scenario.hub.dispatch(scenario.events(changes.upto)[1:])
        assert has_timer_ended(scenario)
        return changes

    _, two = scenario.events(start)
    monkeypatch.setattr(history, "load_changes", load_slowly)
    scenario.hub.dispatch([two])
    assert receive(device, 4) == [f"message.created {number}" for number in range(1, 5)]


def test_memberships_behind_the_end_of_a_page_are_on_the_next(
    scenario: Scenario, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 2)
    start, carol = scenario.head(), make.client()
    carol_id: int = carol.user.id  # type: ignore[attr-defined]
    scenario.send("1", "2")
    assert carol.post(f"/api/rooms/{scenario.room['id']}/join").status_code == 200
    scenario.send("3")
    scenario.subscribed_device(scenario.ann)
    device = scenario.device(scenario.ben)
    scenario.subscribe(device, *start)
    expected = ["message.created 1", "message.created 2", f"member.joined {carol_id}", "message.created 3"]
    assert device.received() == expected


class SendsAfterTheFirstStatement:
    """Stands for `db` in the module of the queries: another transaction sends a message after their first statement."""

    def __init__(self, scenario: Scenario, content: str):
        self._scenario, self._contents = scenario, [content]
        self.session = self

    def execute(self, *given: Any) -> Any:
        rows = db.session.execute(*given).freeze()()  # they are read before the message is sent
        while self._contents:
            self._scenario.send(self._contents.pop())
        return rows


def test_a_message_that_is_committed_while_a_page_is_read_is_on_the_next(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = scenario.head()
    scenario.send("1")
    scenario.subscribed_device(scenario.ann)
    device = scenario.device(scenario.ben)
    with monkeypatch.context() as race:
        race.setattr(history, "db", SendsAfterTheFirstStatement(scenario, "2"))
        race.setattr(history, "messages_json", lambda rows, *_: messages_json(rows, None, db.session))
        scenario.subscribe(device, *start)
    scenario.repair()
    assert device.received() == ["message.created 1", "message.created 2"]


messages_json = history.messages_json


def test_an_event_that_is_delivered_while_heads_are_read_is_not_delivered_again(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The heads that were read are then older than what was delivered, and no backup was restored."""
    device, (start, _) = scenario.subscribed_device(scenario.ann), scenario.head()
    heads_of = history.heads_of

    def read_slowly(names: Any) -> list[history.Head]:
        heads = heads_of(names)
        scenario.send("1")
        scenario.hub.dispatch(scenario.events(start))
        return heads

    with monkeypatch.context() as race, caplog.at_level(logging.WARNING):
        race.setattr(history, "heads_of", read_slowly)
        scenario.reconciler.reconcile()
    assert caplog.records == []
    scenario.hub.dispatch(scenario.events(start))
    scenario.send("2")
    scenario.hub.dispatch(scenario.events(start))
    assert device.received() == ["message.created 1", "message.created 2"]


def test_a_restored_backup_is_noticed_without_a_new_subscriber(scenario: Scenario) -> None:
    start = scenario.head()
    scenario.send("1", "2")
    device = scenario.subscribed_device(scenario.ann)
    scenario.restore_backup(*start)
    scenario.reconciler.reconcile()
    scenario.send("1, again")
    scenario.hub.dispatch(scenario.events(start[0]))
    assert device.received() == ["message.created 1, again"]


def test_events_from_before_the_subscription_to_a_topic_are_found_at_once(scenario: Scenario) -> None:
    device = scenario.subscribed_device(scenario.ann)
    scenario.send("1")
    scenario.reconciler.on_subscribed([f"c:{scenario.name}"])
    assert receive(device, 1) == ["message.created 1"]


@pytest.mark.usefixtures("wiped")
def test_a_join_that_is_committed_after_a_later_one_is_found(postgresql_app: Flask) -> None:
    """Its inbox row has the lower id. On SQLite transactions that write are committed in the order of their ids."""
    make = Factory(postgresql_app)
    with closing(Scenario(postgresql_app, make)) as scenario:
        rooms = [make.room(scenario.ann, name) for name in ("early", "late")]
        device = scenario.device(scenario.ben)
        ben_id: int = scenario.ben.user.id  # type: ignore[attr-defined]

        def join(room: dict[str, Any]) -> None:
            with postgresql_app.app_context():
                user = db.session.get(User, ben_id)
                assert user is not None
                membership.join_room(user, room["id"])

        scenario.reconciler.reconcile_subscriptions()
        with paused_before_commit(postgresql_app, ConversationEntry) as paused:
            early = paused.start(lambda: join(rooms[0]))
            paused.wait_until_reached()
            join(rooms[1])
            scenario.reconciler.reconcile_subscriptions()
            assert wait_until(lambda: rooms[1]["conversation_id"] in device.connection.conversations)
            paused.release()
            early.result()
        scenario.reconciler.reconcile_subscriptions()
        assert wait_until(lambda: rooms[0]["conversation_id"] in device.connection.conversations)


def test_a_change_of_a_room_is_sent_once_however_often_it_is_found(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the database failed at first."""
    device = scenario.subscribed_device(scenario.ann)
    assert scenario.ann.patch(f"/api/rooms/{scenario.room['id']}", {"name": "new"}).status_code == 200
    with monkeypatch.context() as fault:
        fault.setattr("backend.realtime.delivery.room_updates.room_by_member", None)
        with pytest.raises(TypeError):
            scenario.reconciler.reconcile()
    assert device.received() == []
    for _ in range(2):
        scenario.reconciler.reconcile()
    assert device.received() == ["room.updated"]


def subscribed_to_room(scenario: Scenario, how: str) -> Device:
    """A device of ben that is subscribed to the room in one of three ways, and that has received everything so far."""
    device = scenario.device(scenario.ben)
    if how == "after room.created":
        scenario.hub.subscribe_user(user_id(scenario.ben), scenario.name)
        assert receive(device, 1)[0] == "room.created"
        scenario.repair()
    else:
        with scenario.hub.runtime.reading():
            if how == "with the heads":
                scenario.hub.subscribe_to(device.connection, history.heads_for(user_id(scenario.ben)))
            else:
                scenario.hub.subscribe(device.connection, scenario.name, *scenario.head())
    device.received()
    return device


@pytest.mark.parametrize("how", ["with the heads", "after room.created", "by a position alone"])
def test_a_change_of_a_room_is_sent_if_it_is_found_before_its_event_arrives(scenario: Scenario, how: str) -> None:
    """By the first comparison of a new channel, which is made soon after `ready`. It is sent once."""
    device = subscribed_to_room(scenario, how)
    room = scenario.ann.patch(f"/api/rooms/{scenario.room['id']}", {"name": "new"}).get_json()
    scenario.reconciler.on_subscribed([f"c:{scenario.name}"])
    assert receive(device, 1) == ["room.updated"]
    scenario.hub.dispatch([room_updated_event(room)])
    settle()
    scenario.reconciler.reconcile()
    assert device.received() == []


@pytest.mark.parametrize(
    ("how", "count"), [("with the heads", 0), ("after room.created", 0), ("by a position alone", 1)]
)
def test_a_room_that_did_not_change_is_sent_only_if_its_client_may_have_an_older_one(
    scenario: Scenario, how: str, count: int
) -> None:
    device = subscribed_to_room(scenario, how)
    for _ in range(2):
        scenario.reconciler.reconcile()
    assert device.received() == ["room.updated"] * count


def test_an_older_state_of_a_room_does_not_follow_a_newer_one(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database answers the later query first."""
    device, path = scenario.subscribed_device(scenario.ann), f"/api/rooms/{scenario.room['id']}"
    answered = Event()
    read_room = room_updates.room_by_member

    def rename(name: str) -> None:
        scenario.hub.dispatch([room_updated_event(scenario.ann.patch(path, {"name": name}).get_json())])

    def read_slowly(*given: Any) -> Any:
        rooms = read_room(*given)
        monkeypatch.setattr(room_updates, "room_by_member", read_room)
        rename("second")
        answered.wait(5)
        return rooms

    monkeypatch.setattr(room_updates, "room_by_member", read_slowly)
    rename("first")
    frames: list[dict[str, Any]] = []
    assert wait_until(lambda: frames.extend(device.frames()) or frames)
    answered.set()
    settle()
    frames += device.frames()
    assert [frame["room"]["name"] for frame in frames] == ["second"]
