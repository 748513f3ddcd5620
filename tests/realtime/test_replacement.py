"""Sockets of one client on two workers: the newer one stays, whichever announcement arrives."""

from __future__ import annotations

from typing import Any

import pytest

from backend.bus.local import LocalBus
from backend.events import Event, connected_event
from tests.realtime.scenario import Scenario


class TwoClients:
    """Two sockets of ben, of different clients, on this worker; and what the worker publishes."""

    def __init__(self, scenario: Scenario, monkeypatch: pytest.MonkeyPatch):
        self.tab, self.phone = (scenario.device(scenario.ben, name) for name in ("tab", "phone"))
        self.published: list[Event] = []
        monkeypatch.setattr(LocalBus, "publish", lambda _, events: self.published.extend(events))
        self._hub = scenario.hub

    def announce(self, after: float) -> tuple[bool, bool]:
        """Another worker opened a socket of "tab" so many seconds after this one did. Which of ours are open then?"""
        tab = self.tab.connection
        self._hub.dispatch([connected_event(tab.user_id, "tab", "elsewhere", tab.opened_at + after)])
        return self.tab.connection.is_open, self.phone.connection.is_open


@pytest.fixture
def clients(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> TwoClients:
    return TwoClients(scenario, monkeypatch)


def test_the_socket_that_a_newer_one_replaces_is_closed(clients: TwoClients) -> None:
    assert clients.announce(after=1) == (False, True)
    assert clients.published == []


def test_the_worker_that_announced_an_older_socket_learns_of_the_newer_one(clients: TwoClients) -> None:
    assert clients.announce(after=-1) == (True, True)
    tab: Any = clients.tab.connection
    assert clients.published == [connected_event(tab.user_id, "tab", tab.uid, tab.opened_at)]


def test_the_announcement_of_a_socket_does_not_close_itself(clients: TwoClients, scenario: Scenario) -> None:
    tab = clients.tab.connection
    scenario.hub.dispatch([connected_event(tab.user_id, "tab", tab.uid, tab.opened_at)])
    assert tab.is_open
    assert clients.published == []


def test_a_socket_of_the_same_client_on_this_worker_is_closed_at_once(clients: TwoClients, scenario: Scenario) -> None:
    newer = scenario.device(scenario.ben, "tab")
    assert [each.connection.is_open for each in (clients.tab, clients.phone, newer)] == [False, True, True]
