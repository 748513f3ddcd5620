"""Presence of users on other workers: who is absent from their records for a moment stays online."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import gevent
import pytest
from flask import Flask
from redis.exceptions import RedisError

from backend.realtime.presence import tracker as module
from backend.realtime.presence.tracker import OFFLINE_SECONDS, PresenceTracker
from tests.factories import Factory
from tests.realtime.pair import Clock
from tests.realtime.recorder import Recorder, make_server, register
from tests.realtime.scenario import wait_until


class Records:
    """The records of the other workers, as Redis would return them. While `is_away`, Redis does not answer."""

    is_shared = True

    def __init__(self) -> None:
        self.others: set[int] = set()
        self.is_away = False
        self.exchanges = 0
        self.on_read: Callable[[], None] = lambda: None

    def exchange(self, online_here: Collection[int]) -> set[int]:
        self.exchanges += 1
        if self.is_away:
            raise RedisError("planted")
        self.on_read()
        return set(self.others)


class Worker:
    """A worker with a socket of ann. Her contact ben has sockets on other workers alone."""

    def __init__(self, app: Flask, make: Factory, clock: Clock):
        ann, ben = make.client(), make.client()
        self._room, self._ben = make.room(ann, "room", ben), ben
        self.ann_id: int = ann.user.id  # type: ignore[attr-defined]
        self.ben_id: int = ben.user.id  # type: ignore[attr-defined]
        self._clock, self.records = clock, Records()
        self._recorder = Recorder(ann.user.id)  # type: ignore[attr-defined]
        hub = make_server(app).hub
        register(hub, self._recorder)
        self.tracker = PresenceTracker(hub.runtime, hub.registry, self.records)

    def show_ben(self, is_online: bool) -> None:
        """Let the records of the other workers have ben or not, until this worker has acted on them."""
        self.records.others = {self.ben_id} if is_online else set()
        self.wait_for_exchanges()

    def wait_for_exchanges(self) -> None:
        """Wait until the worker has read the records some times, and acted on the first of these."""
        count = self.records.exchanges
        self.tracker.users_changed()
        assert wait_until(lambda: self.records.exchanges >= count + 4)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and let the worker act on it."""
        self._clock.now += seconds
        self.wait_for_exchanges()

    def join_again(self) -> None:
        """Let ben leave the room and join it again."""
        for action in ("leave", "join"):
            assert self._ben.post(f"/api/rooms/{self._room['id']}/{action}").status_code < 300

    def report_subscription(self) -> None:
        """Report that ann's socket subscribed to the room."""
        connection: Any = self._recorder
        self.tracker.introductions.connection_subscribed(connection, self._room["conversation_id"])
        self.wait_for_exchanges()

    def received(self) -> list[str]:
        """The states of ben that ann was sent."""
        return ["online" if b'"online"' in data else "offline" for data in self._recorder.written]


@pytest.fixture
def worker(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    clock, greenlets, spawn = Clock(), [], gevent.spawn
    monkeypatch.setattr(module, "time", clock)
    for name in ("POLL_SECONDS", "RETRY_SECONDS", "COALESCE_SECONDS"):
        monkeypatch.setattr(module, name, 0.01)
    worker = Worker(app, make, clock)
    with monkeypatch.context() as starting:
        starting.setattr(gevent, "spawn", lambda *given: greenlets.append(spawn(*given)))
        worker.tracker.start()
    yield worker
    gevent.killall(greenlets)


def test_a_user_who_is_absent_for_a_moment_stays_online(worker: Worker) -> None:
    """A client that moves is absent until its new worker has written its record."""
    worker.show_ben(True)
    for _ in range(2):
        worker.show_ben(False)
        worker.pass_time(OFFLINE_SECONDS * 0.9)
        worker.show_ben(True)
    assert worker.received() == ["online"]
    worker.show_ben(False)
    assert worker.received() == ["online"]
    worker.pass_time(OFFLINE_SECONDS * 1.1)
    assert wait_until(lambda: worker.received() == ["online", "offline"])
    worker.show_ben(True)
    assert wait_until(lambda: worker.received() == ["online", "offline", "online"])


def test_nobody_goes_offline_while_the_records_cannot_be_read(worker: Worker) -> None:
    worker.show_ben(True)
    worker.records.is_away = True
    worker.show_ben(False)
    worker.pass_time(60)
    assert worker.received() == ["online"]
    worker.records.is_away = False
    worker.wait_for_exchanges()
    assert worker.received() == ["online"]
    worker.pass_time(OFFLINE_SECONDS * 1.1)
    assert wait_until(lambda: worker.received() == ["online", "offline"])


def test_a_user_who_comes_online_as_a_block_is_lifted_is_sent_once(worker: Worker) -> None:
    def lift_block() -> None:
        worker.records.on_read = lambda: None
        worker.tracker.blocks.block_changed(worker.ben_id, worker.ann_id)

    worker.records.on_read = lift_block
    worker.show_ben(True)
    assert wait_until(worker.received)
    worker.wait_for_exchanges()
    assert worker.received() == ["online"]


def test_a_user_who_comes_online_before_a_subscription_is_reported_is_sent_once(worker: Worker) -> None:
    """The room of the two was made while ann was connected, and this worker learns of that last."""
    worker.show_ben(True)
    assert wait_until(worker.received)
    worker.report_subscription()
    worker.wait_for_exchanges()
    assert worker.received() == ["online"]


def test_a_user_who_leaves_and_joins_again_after_coming_online_is_sent_again(worker: Worker) -> None:
    worker.show_ben(True)
    assert wait_until(worker.received)
    worker.join_again()
    worker.report_subscription()
    assert wait_until(lambda: worker.received() == ["online", "online"])
