"""Log lines about refusals: the first is written at once, repeats are counted."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from backend.refusals import PERIOD_SECONDS, RefusalLog


class Clock:
    """A clock that stands still until a test moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def written(caplog: pytest.LogCaptureFixture) -> list[tuple[Any, int]]:
    return [(record.data["code"], record.data["count"]) for record in caplog.records]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "confab.refusals")


def test_the_first_refusal_is_written_at_once_and_repeats_are_counted(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    log = RefusalLog(clock=clock)
    for _ in range(500):
        log.write("ann", logging.INFO, code="a")
    log.write("bob", logging.INFO, code="b")
    assert written(caplog) == [("a", 1), ("b", 1)]
    clock.now += PERIOD_SECONDS
    log.write("ann", logging.INFO, code="a")
    assert written(caplog)[2:] == [("a", 499), ("a", 1)]


def test_repeats_are_written_although_they_have_ended(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    log = RefusalLog(clock=clock)
    for _ in range(3):
        log.write("ann", logging.INFO, code="a")
    clock.now += PERIOD_SECONDS
    log.write("bob", logging.INFO, code="b")
    assert written(caplog) == [("a", 1), ("a", 2), ("b", 1)]


def test_a_caller_gets_two_lines_in_a_period_at_most(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    log = RefusalLog(clock=clock)
    for _ in range(50 * 60):
        log.write("ann", logging.INFO, code="a")
        clock.now += 1 / 50
    assert len(caplog.records) <= 2 * 60 / PERIOD_SECONDS
    assert sum(count for _, count in written(caplog)) >= 50 * (60 - PERIOD_SECONDS)


def test_memory_is_bounded_and_no_refusal_is_lost(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    log = RefusalLog(max_keys=2, clock=clock)
    for key in ("a", "a", "b", "c"):
        log.write(key, logging.INFO, code=key)
    assert written(caplog) == [("a", 1), ("b", 1), ("a", 1), ("c", 1)]
