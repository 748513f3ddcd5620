"""Batching: items that arrive while a batch runs are handled in the next, and every caller gets its own result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from backend import batching
from backend.batching import Batcher, batch_of_groups
from tests.processes import wait_until
from tests.races import at_once


class HeldRun:
    """A function over a list that records its batches and holds the first one until `go`. *error_of* says how a batch fails."""

    def __init__(self, error_of: Callable[[list[int]], BaseException | None] = lambda items: None):
        self.started, self.go = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []
        self._error_of = error_of

    def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        self.started.set()
        assert self.go.wait(10)
        if (error := self._error_of(items)) is not None:
            raise error
        return [item * 2 for item in items]


def served_together(batcher: Batcher[int, int], run: HeldRun, count: int = 5) -> dict[int, object]:
    """The results of 1, 2, 3, ..., which wait together while 0 is handled by *run*; an error is a result."""
    outcomes: dict[int, object] = {}

    def call(n: int) -> None:
        try:
            outcomes[n] = batcher(n)
        except BaseException as error:  # noqa: BLE001
            outcomes[n] = error

    threads = [threading.Thread(target=call, args=(0,), daemon=True)]
    threads[0].start()
    assert run.started.wait(10)
    for n in range(1, count):
        threads.append(threading.Thread(target=call, args=(n,), daemon=True))
        threads[-1].start()
        wait_until(lambda n=n: batcher.waiting == n, f"{n} calls to wait")
    run.go.set()
    deadline = time.monotonic() + 10
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def test_every_caller_gets_its_own_result_and_no_batch_is_larger_than_allowed() -> None:
    run = HeldRun()
    assert served_together(Batcher(run, max_batch_size=7), run, count=24) == {n: n * 2 for n in range(24)}
    assert run.batches == [[0], [*range(1, 8)], [*range(8, 15)], [*range(15, 22)], [22, 23]]


def test_callers_that_no_batch_holds_back_get_their_own_result_too() -> None:
    batcher: Batcher[int, int] = Batcher(lambda items: [item * 2 for item in items], max_batch_size=7)
    assert at_once([lambda n=n: batcher(n) for n in range(60)]) == [n * 2 for n in range(60)]  # type: ignore[misc]


def test_a_failure_is_raised_only_for_its_own_caller() -> None:
    class Refusing(HeldRun):
        def __call__(self, items: list[int]) -> list[Any]:
            doubled = super().__call__(items)
            return [ValueError(item) if item % 2 else result for item, result in zip(items, doubled, strict=True)]

    run = Refusing()
    outcomes = served_together(Batcher(run), run)
    assert run.batches == [[0], [1, 2, 3, 4]]
    assert {n: outcomes[n] for n in (0, 2, 4)} == {0: 0, 2: 4, 4: 8}
    assert {n: repr(outcomes[n]) for n in (1, 3)} == {1: "ValueError(1)", 3: "ValueError(3)"}


def test_the_batch_after_a_failed_one_runs() -> None:
    run = HeldRun(lambda items: OSError("away") if items == [0] else None)
    outcomes = served_together(Batcher(run), run)
    assert repr(outcomes.pop(0)) == "OSError('away')"
    assert outcomes == {n: n * 2 for n in range(1, 5)}
    assert run.batches == [[0], [1, 2, 3, 4]]


class Killed(BaseException):
    """As gevent kills a greenlet."""


def test_a_leader_that_is_killed_leaves_its_queue_to_the_next() -> None:
    run = HeldRun(lambda items: Killed() if items == [0] else None)
    outcomes = served_together(Batcher(run), run)
    assert isinstance(outcomes.pop(0), Killed)
    assert outcomes == {n: n * 2 for n in range(1, 5)}


def test_a_leader_that_is_killed_fails_the_callers_of_its_batch() -> None:
    """Whether their items were handled is unknown. They must not wait for ever, and the next caller is served."""
    run = HeldRun(lambda items: Killed() if items == [1, 2, 3] else None)
    batcher = Batcher(run, max_batch_size=3)
    outcomes = served_together(batcher, run)
    assert (outcomes[0], outcomes[4]) == (0, 8)
    assert isinstance(outcomes[1], Killed), "the leader"
    assert [str(outcomes[n]) for n in (2, 3)] == ["the batch was abandoned"] * 2
    assert batcher(5) == 10


def test_a_failure_of_all_is_not_found_batch_by_batch() -> None:
    run = HeldRun(lambda items: OSError("away"))
    outcomes = served_together(Batcher(run, fails_all=lambda error: isinstance(error, OSError)), run)
    failures = [str(outcome) for outcome in outcomes.values() if isinstance(outcome, OSError)]
    assert (failures, [len(batch) for batch in run.batches]) == (["away"] * 5, [1])


def test_an_item_that_breaks_a_batch_does_not_affect_others() -> None:
    run = HeldRun(lambda items: ValueError("two") if 2 in items else None)
    outcomes = served_together(Batcher(run), run)
    assert {n: outcomes[n] for n in (0, 1, 3, 4)} == {0: 0, 1: 2, 3: 6, 4: 8}
    assert isinstance(outcomes[2], ValueError)
    assert run.batches == [[0], [1, 2, 3, 4], [1], [2], [3], [4]]


def test_a_failure_of_all_is_not_retried_for_each_item() -> None:
    run = HeldRun(lambda items: ValueError("away") if items != [0] else None)
    outcomes = served_together(Batcher(run, fails_all=lambda error: True), run)
    assert run.batches == [[0], [1, 2, 3, 4]]
    assert all(isinstance(outcomes[n], ValueError) for n in range(1, 5))


def test_a_failure_of_all_while_items_run_alone_ends_the_retries() -> None:
    def error_of(items: list[int]) -> Exception | None:
        if items == [2]:
            return ValueError("away")
        return KeyError(2) if 2 in items else None

    run = HeldRun(error_of)
    outcomes = served_together(Batcher(run, fails_all=lambda error: isinstance(error, ValueError)), run)
    assert run.batches == [[0], [1, 2, 3, 4], [1], [2]]
    assert (outcomes[0], outcomes[1]) == (0, 2)
    assert all(isinstance(outcomes[n], ValueError) for n in (2, 3, 4))


def test_the_weight_of_its_items_limits_a_batch() -> None:
    run = HeldRun()
    served_together(Batcher(run, max_batch_size=3, weigh=lambda item: item), run)
    assert run.batches == [[0], [1, 2], [3], [4]], "an item above the limit runs alone"


def test_a_batch_has_at_most_100_items_where_nothing_else_is_said() -> None:
    run = HeldRun()
    served_together(Batcher(run), run, count=102)
    assert [len(batch) for batch in run.batches] == [1, 100, 1]


def test_a_result_that_is_an_exception_is_raised() -> None:
    batcher: Batcher[int, int] = Batcher(lambda items: [ValueError(item) for item in items])
    with pytest.raises(ValueError, match="7"):
        batcher(7)


def test_a_leader_lets_those_that_are_ready_join_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[list[int]] = []
    follower = threading.Thread(target=lambda: batcher(2))

    def sleep(seconds: float) -> None:
        if not follower.ident:
            follower.start()
            wait_until(lambda: batcher.waiting == 2, "the second call")

    monkeypatch.setattr(batching, "time", SimpleNamespace(sleep=sleep))
    batcher: Batcher[int, int] = Batcher(lambda items: batches.append(items) or items)  # type: ignore[func-returns-value]
    assert batcher(1) == 1
    follower.join(10)
    assert batches == [[1, 2]]


def test_items_without_weight_count_too() -> None:
    run = HeldRun()
    served_together(Batcher(run, max_batch_size=2, weigh=lambda item: 3 if item == 4 else 0), run)
    assert run.batches == [[0], [1, 2], [3], [4]]


def test_a_function_over_a_list_serves_groups() -> None:
    calls = []

    def run(items: list[int]) -> list[int]:
        calls.append(items)
        return [item * 2 for item in items]

    assert batch_of_groups(run)([[1, 2], [], [3]]) == [[2, 4], [], [6]]
    assert calls == [[1, 2, 3]]


def test_a_function_that_returns_too_few_results_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Batcher(lambda items: [])(1)
