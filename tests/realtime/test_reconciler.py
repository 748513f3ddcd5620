"""The reconciler: how much it compares at once, and what it does with topics and memberships that are new."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from backend.bus.local import LocalBus
from backend.events import Event
from backend.realtime import reconciler as module
from backend.realtime.delivery import history
from backend.realtime.hub import GAP_TIMEOUT
from tests.messages.changing import user_id
from tests.realtime.pair import settle
from tests.realtime.scenario import Scenario, receive, wait_until


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The conversations whose heads are read, for each time."""
    groups: list[list[str]] = []
    heads_of = history.heads_of

    def noting(names: Collection[str]) -> list[history.Head]:
        groups.append(sorted(names))
        return heads_of(names)

    monkeypatch.setattr(history, "heads_of", noting)
    return groups


@pytest.mark.parametrize(
    ("count", "sizes"), [(3, [2, 1, 2]), (6, [2, 2, 2, 2]), (12, [4, 4, 4, 4]), (13, [5, 5, 3, 5])]
)
def test_every_conversation_is_compared_within_some_passes(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, compared: list[list[str]], count: int, sizes: list[int]
) -> None:
    """Here within three, of two conversations at least. The next passes begin again."""
    monkeypatch.setattr(module, "MIN_COMPARED", 2)
    monkeypatch.setattr(module, "MAX_PASSES", 3)
    names = sorted(f"room:{900_000 + number}" for number in range(count))
    for name in names:
        scenario.hub.channels.open(name, 0, 0)
    for _ in sizes:
        scenario.reconciler.reconcile()
    assert [len(group) for group in compared] == sizes
    one_round = [name for group in compared[: -(-count // sizes[0])] for name in group]
    assert sorted(one_round) == names


def test_without_conversations_nothing_is_read(scenario: Scenario, compared: list[list[str]]) -> None:
    scenario.reconciler.reconcile()
    assert compared == []


def test_new_topics_are_looked_at_together_and_at_once(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, compared: list[list[str]]
) -> None:
    """What was published before is found, and the sockets of the users are announced to other workers."""
    published: list[Event] = []
    monkeypatch.setattr(LocalBus, "publish", lambda _, events: published.extend(events))
    ann, ben = (scenario.device(client) for client in (scenario.ann, scenario.ben))
    for device in (ann, ben):
        scenario.subscribe(device, *scenario.head())
    scenario.send("1")
    published.clear()
    spawn, waits = scenario.hub.runtime.spawn, []

    def spawning(task: Any, *given: Any, after: float = 0) -> None:
        waits.append(after)
        spawn(task, *given, after=after)

    monkeypatch.setattr(scenario.hub.runtime, "spawn", spawning)
    lost = user_id(scenario.make.client())
    scenario.reconciler.on_subscribed([f"u:{user_id(scenario.ben)}", f"u:{lost}"])
    scenario.reconciler.on_subscribed([f"c:{scenario.name}", "c:room:999999"])
    assert receive(ann, 1) == receive(ben, 1) == ["message.created 1"]
    assert compared == [[scenario.name]]
    assert [(event.type, event.user_id) for event in published] == [("control.device_connected", user_id(scenario.ben))]
    assert waits == [0, 0], "both topics together, and what they missed"
    scenario.reconciler.on_subscribed([f"c:{scenario.name}"])
    assert wait_until(lambda: len(compared) == 2)


def test_a_conversation_that_catches_up_is_not_read(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, compared: list[list[str]]
) -> None:
    """An event on its way needs no help of the database."""
    device, (start, _) = scenario.device(scenario.ann), scenario.head()
    scenario.subscribe(device, *scenario.head())
    scenario.send("1")
    events = scenario.events(start)
    loaded: list[str] = []
    load_changes = history.load_changes
    monkeypatch.setattr(history, "load_changes", lambda name, since: loaded.append(name) or load_changes(name, since))
    scenario.reconciler.reconcile()
    scenario.hub.dispatch(events)
    assert device.received() == ["message.created 1"]
    scenario.send("2")
    scenario.reconciler.reconcile()
    assert receive(device, 1) == ["message.created 2"]
    assert loaded == [scenario.name]
    assert len(compared) == 2


def test_a_conversation_that_nobody_follows_any_more_is_left_alone(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last socket closes while the database answers. The others are compared nevertheless."""
    ann, ben = scenario.device(scenario.ann), scenario.device(scenario.ben)
    scenario.subscribe(ann, *scenario.head())
    with scenario.hub.runtime.reading():
        scenario.hub.subscribe(ben.connection, "lobby", 0, 0)
    scenario.send("1")
    heads_of = history.heads_of

    def closing(names: Collection[str]) -> list[history.Head]:
        ben.connection.drop()
        return sorted(heads_of(names), key=lambda head: head.conversation_id)

    monkeypatch.setattr(history, "heads_of", closing)
    scenario.reconciler.reconcile()
    assert list(scenario.hub.channels.by_name) == [scenario.name]
    assert receive(ann, 1) == ["message.created 1"]


def test_a_conversation_that_is_behind_gets_time_to_catch_up(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its events may be on their way. Nothing is planned for one that is not behind."""
    started: list[float] = []
    monkeypatch.setattr(scenario.hub.runtime, "spawn", lambda _task, *_, after=0.0: started.append(after))
    scenario.subscribe(scenario.device(scenario.ann), *scenario.head())
    scenario.reconciler.reconcile()
    assert started == []
    scenario.send("1")
    scenario.reconciler.reconcile()
    assert started == [GAP_TIMEOUT]


def test_memberships_are_read_only_for_open_sockets(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time from the newest one on, and then from the last one that was read, with a margin."""
    asked: list[int] = []
    rows_after: Any = history.inbox_rows_after
    monkeypatch.setattr(history, "inbox_rows_after", lambda after: asked.append(after) or rows_after(after))
    scenario.reconciler.reconcile_subscriptions()
    assert asked == []
    device = scenario.device(scenario.ben)
    with scenario.hub.runtime.reading():
        newest = history.last_inbox_row_id()
    scenario.reconciler.reconcile_subscriptions()
    scenario.reconciler.reconcile_subscriptions()
    assert asked == [newest - module.ID_MARGIN] * 2
    room = scenario.make.room(scenario.ann, "new", scenario.ben)
    with scenario.hub.runtime.reading():
        later = history.last_inbox_row_id()
    for _ in range(2):
        scenario.reconciler.reconcile_subscriptions()
    assert asked[2:] == [newest - module.ID_MARGIN, later - module.ID_MARGIN]
    assert wait_until(lambda: room["conversation_id"] in device.connection.conversations)
    device.connection.drop()
    settle()
    scenario.reconciler.reconcile_subscriptions()
    assert len(asked) == 4
