"""Pings, and the end of sockets that do not answer."""

from __future__ import annotations

from backend.realtime.transport.frames import Close
from tests.realtime.pair import Clock, Pair, settle
from tests.realtime.raw import frame


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
