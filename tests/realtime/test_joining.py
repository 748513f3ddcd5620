"""Users who join, leave and rejoin while their worker is behind the database, or ahead of the bus."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from sqlalchemy.exc import OperationalError

from backend.realtime.delivery import history
from tests.factories import Factory
from tests.realtime.pair import settle
from tests.realtime.scenario import Scenario, receive, wait_until


def member_path(scenario: Scenario, user_id: int) -> str:
    return f"/api/rooms/{scenario.room['id']}/members/{user_id}"


def test_a_user_who_rejoined_stays_subscribed_when_the_removal_arrives_late(scenario: Scenario) -> None:
    ben_id: int = scenario.ben.user.id  # type: ignore[attr-defined]
    ann, ben = scenario.device(scenario.ann), scenario.device(scenario.ben)
    start = scenario.head()
    scenario.subscribe(ann, *start)
    assert scenario.ann.delete(member_path(scenario, ben_id)).status_code == 204
    removal = scenario.events(start[0])
    assert scenario.ann.put(member_path(scenario, ben_id)).status_code == 200
    scenario.subscribe(ben, *scenario.head())
    scenario.hub.dispatch([*removal, *scenario.events(start[0] + 1)])
    scenario.send("1")
    scenario.repair()
    assert ann.received()[0] == f"member.left {ben_id}"
    assert ben.received() == ["message.created 1"]


@pytest.mark.parametrize("is_opening", [False, True])
def test_a_user_whose_membership_changed_after_joining_receives_what_happened_between(
    scenario: Scenario, make: Factory, is_opening: bool
) -> None:
    """The membership carries the modseq of its last change alone. While the socket opens, the reconciler finds the room too."""
    ben_id: int = scenario.ben.user.id  # type: ignore[attr-defined]
    carol, dora = make.client(), make.client()
    ann = scenario.device(scenario.ann)
    for client in (carol, dora):
        assert client.post(f"/api/rooms/{scenario.room['id']}/join").status_code == 200
    since = scenario.head()[0] - 2  # as if ben had joined just before carol
    assert scenario.ann.patch(member_path(scenario, ben_id), {"is_admin": True}).status_code == 200
    scenario.subscribe(ann, *scenario.head())
    ben = scenario.device(scenario.ben)
    with scenario.hub.bootstrapping(ben.connection) if is_opening else nullcontext():
        scenario.hub.subscribe_user(ben_id, scenario.name, since)
        if is_opening:
            scenario.hub.subscribe_user(ben_id, scenario.name)
    assert wait_until(lambda: scenario.name in ben.connection.conversations)
    joined = [f"member.joined {client.user.id}" for client in (carol, dora)]  # type: ignore[attr-defined]
    received = receive(ben, 4)
    assert received[0] == "room.created"
    assert received[1:3] == joined
    assert received[3].endswith(f" {ben_id}")


def test_a_join_that_was_found_before_a_socket_opens_does_not_subscribe_it_meanwhile(scenario: Scenario) -> None:
    """The socket reads by itself from where it subscribes."""
    ben = scenario.device(scenario.ben)
    scenario.hub.subscribe_user(ben.connection.user_id, scenario.name)
    with scenario.hub.bootstrapping(ben.connection):
        settle()
        assert ben.connection.conversations == set()
        scenario.subscribe(ben, *scenario.head())
    settle()
    assert ben.received() == []


def test_a_subscription_in_progress_is_not_continued_by_the_heartbeat(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database answers the first page, the heartbeat comes by; it could read that page, and fail at the next."""
    ben, start = scenario.late_device()
    scenario.send("2")
    scenario.repair()
    load_changes, calls = history.load_changes, iter(["heartbeat", "its first page", "its second page"])

    def load_slowly(name: str, since: int) -> history.Changes:
        if next(calls) == "heartbeat":
            scenario.hub.retry_subscriptions()
            monkeypatch.setattr(history, "load_changes", load_changes)
        elif since > start[0]:
            raise OperationalError("planted", None, ConnectionError("planted"))
        return load_changes(name, since)

    monkeypatch.setattr(history, "PAGE", 1)
    monkeypatch.setattr(history, "load_changes", load_slowly)
    scenario.subscribe(ben, *start)
    assert ben.received() == ["message.created 1", "message.created 2"]
