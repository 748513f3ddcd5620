"""The number of simultaneous large answers to one user is limited, until each is written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from backend.concurrency import Slots
from backend.errors import RateLimited
from backend.identity import guards
from backend.inbox import sync as syncing
from tests.client import Client
from tests.factories import Factory
from tests.processes import wait_until


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.concurrency.WAIT_SECONDS", 0.05)
    monkeypatch.setattr(Slots.acquire, "__defaults__", (0.05,))


@pytest.fixture
def slots(monkeypatch: pytest.MonkeyPatch) -> Slots:
    """The slots of large answers. They are of this test alone, so that a test that fails in the middle fails alone."""
    slots = Slots(4)
    monkeypatch.setattr(guards, "LARGE_ANSWERS", slots)
    return slots


def test_slots_are_counted_for_each_key_and_released() -> None:
    slots = Slots(2)
    slots.acquire(1)
    slots.acquire(1)
    slots.acquire(2)
    with pytest.raises(RateLimited):
        slots.acquire(1)
    slots.release(1)
    with slots.held(1):
        pass
    slots.release(1)
    slots.release(2)
    assert slots.is_idle


def test_a_waiting_call_gets_the_slot_of_an_ended_one(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    class Watched(threading.BoundedSemaphore):
        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return super().acquire(blocking, timeout)

    monkeypatch.setattr(threading, "BoundedSemaphore", Watched)
    slots = Slots(1)
    slots.acquire(1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slots.acquire, 1, 20)
        wait_until(lambda: len(waits) == 2, "the second call to wait")
        assert not waiting.done()
        slots.release(1)
        waiting.result(10)
    with pytest.raises(RateLimited):
        slots.acquire(1)
    slots.release(1)
    assert slots.is_idle


def test_an_unread_answer_holds_its_slot(make: Factory, slots: Slots) -> None:
    ann, bob = make.client(), make.client()
    with ExitStack() as unread:
        for _ in range(3):
            unread.enter_context(_open(ann))
        with _open(ann):
            refused = ann.post("/api/chat/sync", {})
            assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (
                429,
                "rate_limited",
                "1",
            )
            assert bob.post("/api/chat/sync", {}).status_code == 200
        assert ann.post("/api/chat/sync", {}).status_code == 200
        assert ann.get("/api/rooms").status_code == 200, "other calls are not counted"
    assert slots.is_idle


@contextmanager
def _open(client: Client) -> Iterator[None]:
    """An answer that is not read to its end. It is closed at the end of the block."""
    with closing(client.open_unread("/api/chat/sync", {})) as response:
        assert response.status_code == 200
        yield


def test_a_failed_call_releases_its_slot(make: Factory, monkeypatch: pytest.MonkeyPatch, slots: Slots) -> None:
    client = make.client()
    assert [client.post("/api/chat/sync", {"conversations": 7}).status_code for _ in range(6)] == [422] * 6

    def broken(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(syncing, "sync", broken)
    assert [client.post("/api/chat/sync", {}).status_code for _ in range(6)] == [500] * 6
    assert slots.is_idle
