"""A user with thousands of conversations: a socket opens, resumes in pages, and receives the events of all of them."""

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
from tests.messages.test_sync_budget import many_rooms
from tests.realtime.conftest import Deployment

MANY, PAGE_BYTES = 4_000, 600 * 1024
"""More than one statement or one page takes."""


def test_a_socket_with_thousands_of_conversations_resumes_in_pages(deployment: Deployment) -> None:
    user = deployment.user()
    names = many_rooms(deployment.app, user.id, MANY)
    with user.live(ready=False) as client:
        client.expect("ready", timeout=60)
        pages = client.resume({}, timeout=60)
        resumed = {row["id"] for page in pages for row in page["conversations"]}
        assert resumed >= set(names)
        assert all(len(json.dumps(page, separators=(",", ":"))) < PAGE_BYTES for page in pages)
        assert len(pages) > 2
        last = int(names[-1].partition(":")[2])
        user.send("new", room_id=last)
        assert client.expect_message("new", timeout=30)["conversation_id"] == names[-1]


def test_one_reconciliation_compares_a_part_of_many_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of one reconciliation does not grow with the number of quiet conversations."""
    compared: list[list[str]] = []

    def heads_of(names: Any) -> list[Any]:
        compared.append(list(names))
        return []

    monkeypatch.setattr(history, "heads_of", heads_of)
    hub: Any = _Hub(5_200)
    instance = reconciler.Reconciler(hub)
    for _ in range(reconciler.MAX_PASSES):
        instance.reconcile()
    assert max(len(names) for names in compared) == 520
    assert sorted(name for names in compared for name in names) == sorted(hub.channels.by_name)
    instance.reconcile()
    assert len(compared[-1]) == 520, "the next pass starts from the beginning"


def test_every_reconciliation_compares_all_of_few_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    monkeypatch.setattr(history, "heads_of", lambda names: compared.append(len(names)) or [])
    hub: Any = _Hub(reconciler.MIN_COMPARED)
    instance = reconciler.Reconciler(hub)
    instance.reconcile()
    instance.reconcile()
    assert compared == [reconciler.MIN_COMPARED] * 2


class _Hub:
    """The part of a hub that the reconciler uses."""

    def __init__(self, count: int):
        bus = LocalBus()
        self.channels, self.runtime = Channels(bus), SimpleNamespace(reading=nullcontext)
        for number in range(count):
            self.channels.open(f"room:{number}", 1, 1)
