"""A user with ten thousand conversations: a socket opens, resumes in pages, and hears of all of them."""

from __future__ import annotations

import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from backend.bus.local import LocalBus
from backend.realtime import reconciler
from backend.realtime.delivery import history
from backend.realtime.delivery.channels import Channels
from tests.messages.test_sync_budget import MANY, many_rooms
from tests.realtime.conftest import Deployment

PAGE_BYTES = 600 * 1024


def test_a_socket_with_ten_thousand_conversations(deployment: Deployment) -> None:
    user = deployment.user()
    names = many_rooms(deployment.app, user.id, MANY)
    with user.live(ready=False) as client:
        client.expect("ready", timeout=60)
        pages = client.resume({}, timeout=60)
        told = {row["id"] for page in pages for row in page["conversations"]}
        assert told >= set(names)
        assert all(len(json.dumps(page, separators=(",", ":"))) < PAGE_BYTES for page in pages)
        assert len(pages) > 5
        last = int(names[-1].partition(":")[2])
        user.send("heard", room_id=last)
        assert client.message("heard", timeout=30)["conversation_id"] == names[-1]


def test_a_tick_compares_a_part_of_many_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    """5,200 were compared twice a second; now the cost of a tick does not grow with what nobody speaks in."""
    asked: list[list[str]] = []

    def heads_of(names: Any) -> list[Any]:
        asked.append(list(names))
        return []

    monkeypatch.setattr(history, "heads_of", heads_of)
    hub: Any = _Hub(5_200)
    comparing = reconciler.Reconciler(hub)
    for _ in range(reconciler.MAX_PASSES):
        comparing.reconcile()
    assert max(len(names) for names in asked) == 520
    assert sorted(name for names in asked for name in names) == sorted(hub.channels.by_name)
    comparing.reconcile()
    assert len(asked[-1]) == 520, "and from the beginning"


def test_few_conversations_are_compared_at_every_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(history, "heads_of", lambda names: asked.append(len(names)) or [])
    hub: Any = _Hub(reconciler.MIN_COMPARED)
    comparing = reconciler.Reconciler(hub)
    comparing.reconcile()
    comparing.reconcile()
    assert asked == [reconciler.MIN_COMPARED] * 2


class _Hub:
    """As much of a hub as a comparison uses."""

    def __init__(self, count: int):
        bus = LocalBus()
        self.channels, self.runtime = Channels(bus), SimpleNamespace(reading=nullcontext)
        for number in range(count):
            self.channels.open(f"room:{number}", 1, 1)
