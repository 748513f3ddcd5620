"""Pings, the end of sockets that do not answer, and steps that fail."""

from __future__ import annotations

from collections import Counter
from typing import Any

import gevent
import pytest
from sqlalchemy.exc import OperationalError

from backend.realtime import heartbeat as module
from backend.realtime.transport.frames import Close
from tests.realtime.pair import Clock, Pair, settle
from tests.realtime.raw import frame
from tests.realtime.recorder import make_server
from tests.realtime.scenario import wait_until


def test_a_silent_client_is_pinged_and_then_closed(pair: Pair, clock: Clock) -> None:
    heartbeat = pair.server.heartbeat
    pair.connection.pinged_at = clock.now
    heartbeat.sweep()
    assert pair.read() == b""
    clock.now += 25.5
    heartbeat.sweep()
    assert pair.read() == b"\x89\x00"
    clock.now += 25
    heartbeat.sweep()
    assert int.from_bytes(pair.read()[2:4], "big") == Close.HEARTBEAT_MISSED
    assert pair.connection in pair.registry.closing
    clock.now += 10
    heartbeat.sweep()
    assert pair.registry.closing == set()


def test_sockets_opened_together_are_not_pinged_together(clock: Clock) -> None:
    pairs = [Pair() for _ in range(200)]
    try:
        pairs[0].registry.users[1] = {pair.connection for pair in pairs}
        pinged = []
        for _ in range(10):
            clock.now += 2.5
            pairs[0].server.heartbeat.sweep()
            pinged.append(sum(pair.connection.pinged_at == clock.now for pair in pairs))
        assert sum(pinged) == 200, "each within one heartbeat interval"
        assert max(pinged) < 60, "about a tenth of them in a tenth of the interval"
    finally:
        for pair in pairs:
            pair.close()


def test_a_pong_keeps_a_client_alive(pair: Pair, clock: Clock) -> None:
    heartbeat = pair.server.heartbeat
    for _ in range(5):
        clock.now += 26
        heartbeat.sweep()
        pair.theirs.send(frame(b"", 10))
        settle()
    assert pair.connection.is_open
    assert pair.read().count(b"\x89\x00") == 5


@pytest.mark.parametrize("error", [OperationalError("planted", None, ConnectionError("planted")), KeyError("planted")])
def test_a_step_that_fails_runs_again_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(module, "TICK_SECONDS", 0.01)
    calls: Counter[str] = Counter()

    class FailingReconciler:
        def reconcile(self) -> None:
            calls["heads"] += 1
            raise error

        def reconcile_subscriptions(self) -> None:
            calls["subscriptions"] += 1

    reconciler: Any = FailingReconciler()
    running = gevent.spawn(module.Heartbeat(make_server().hub, reconciler).run)
    assert wait_until(lambda: calls["heads"] >= 3 and calls["subscriptions"] >= 2)
    running.kill()


@pytest.mark.parametrize(("seconds", "warnings"), [(1.4, 0), (1.6, 1)])
def test_checks_that_begin_a_second_late_are_logged(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, caplog: pytest.LogCaptureFixture, seconds: float, warnings: int
) -> None:
    """The operator reads why sockets outlived their credentials. The first step takes *seconds*, of which 0.5 are planned."""
    ticks: list[float] = []

    class SlowOnce:
        def reconcile(self) -> None:
            ticks.append(clock.now)
            if len(ticks) == 1:
                clock.now += seconds

        def reconcile_subscriptions(self) -> None:
            pass

    reconciler: Any = SlowOnce()
    running = gevent.spawn(module.Heartbeat(make_server().hub, reconciler).run)
    assert wait_until(lambda: len(ticks) >= 3)
    running.kill()
    late = [record.getMessage() for record in caplog.records if "late" in record.getMessage()]
    assert [message.partition(":")[0] for message in late] == ["the checks of the sockets began 1.1 s late"] * warnings
