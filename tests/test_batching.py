"""Batching: items that arrive while a batch runs are handled in the next, and every caller gets its own result."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from backend.batching import Batcher


def in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in threads)


def test_every_caller_gets_its_own_result() -> None:
    batches: list[list[int]] = []

    def double(items: list[int]) -> list[int]:
        batches.append(items)
        return [item * 2 for item in items]

    batcher = Batcher(double, max_batch_size=7)
    results: dict[int, int] = {}
    in_threads(60, lambda n: results.__setitem__(n, batcher(n)))

    assert results == {n: n * 2 for n in range(60)}
    assert sorted(item for batch in batches for item in batch) == list(range(60))
    assert max(len(batch) for batch in batches) <= 7


def test_items_that_arrive_during_a_batch_share_the_next() -> None:
    started, go = threading.Event(), threading.Event()
    batches: list[list[str]] = []

    def run(items: list[str]) -> list[str]:
        batches.append(items)
        if items == ["first"]:
            started.set()
            assert go.wait(10)
        return items

    batcher = Batcher(run)
    first = threading.Thread(target=batcher, args=("first",))
    first.start()
    assert started.wait(10)
    others = [threading.Thread(target=batcher, args=(f"other{n}",)) for n in range(5)]
    for thread in others:
        thread.start()
    while batcher.waiting < 5:
        threading.Event().wait(0.001)
    go.set()
    for thread in [first, *others]:
        thread.join(timeout=10)

    assert [len(batch) for batch in batches] == [1, 5]


def test_a_failure_is_raised_only_for_its_own_caller() -> None:
    batcher: Batcher[int, int] = Batcher(lambda items: [ValueError(item) if item % 2 else item for item in items])
    outcomes: dict[int, object] = {}

    def call(n: int) -> None:
        try:
            outcomes[n] = batcher(n)
        except ValueError as error:
            outcomes[n] = error.args[0]

    in_threads(10, call)
    assert outcomes == {n: n for n in range(10)}
    with pytest.raises(ValueError, match="7"):
        batcher(7)


def test_a_broken_batch_fails_all_its_callers_and_the_next_runs() -> None:
    calls = []

    def run(items: list[int]) -> list[int]:
        calls.append(items)
        if len(calls) == 1:
            raise OSError("away")
        return items

    batcher = Batcher(run)
    with pytest.raises(OSError, match="away"):
        batcher(1)
    assert batcher(2) == 2


def test_a_killed_leader_does_not_block_the_others() -> None:
    class Killed(BaseException):
        pass

    calls = []

    def run(items: list[int]) -> list[int]:
        calls.append(items)
        if len(calls) == 1:
            raise Killed
        return items

    batcher = Batcher(run)
    with pytest.raises(Killed):
        batcher(1)
    assert batcher(2) == 2


class HeldRun:
    """A function over a list that records its batches and holds the first one until `go`. *error_of* says how a batch fails."""

    def __init__(self, error_of: Callable[[list[int]], Exception | None] = lambda items: None):
        self.started, self.go = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []
        self._error_of = error_of

    def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        self.started.set()
        assert self.go.wait(10)
        if (error := self._error_of(items)) is not None:
            raise error
        return items


def served_together(batcher: Batcher[int, int], run: HeldRun) -> dict[int, object]:
    """The results of 1, 2, 3, 4, which wait together while 0 is handled by *run*; an error is a result."""
    outcomes: dict[int, object] = {}

    def call(n: int) -> None:
        try:
            outcomes[n] = batcher(n)
        except (OSError, ValueError) as error:
            outcomes[n] = error

    threads = [threading.Thread(target=call, args=(0,))]
    threads[0].start()
    assert run.started.wait(10)
    for n in range(1, 5):
        threads.append(threading.Thread(target=call, args=(n,)))
        threads[-1].start()
        while batcher.waiting < n:
            threading.Event().wait(0.001)
    run.go.set()
    for thread in threads:
        thread.join(timeout=10)
    return outcomes


def test_a_failure_of_all_is_not_found_batch_by_batch() -> None:
    run = HeldRun(lambda items: OSError("away"))
    outcomes = served_together(Batcher(run, fails_all=lambda error: isinstance(error, OSError)), run)
    failures = [str(outcome) for outcome in outcomes.values() if isinstance(outcome, OSError)]
    assert (failures, [len(batch) for batch in run.batches]) == (["away"] * 5, [1])


def test_an_item_that_breaks_a_batch_does_not_affect_others() -> None:
    run = HeldRun(lambda items: ValueError("two") if 2 in items else None)
    outcomes = served_together(Batcher(run), run)
    assert {n: outcomes[n] for n in (0, 1, 3, 4)} == {0: 0, 1: 1, 3: 3, 4: 4}
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
    assert (outcomes[0], outcomes[1]) == (0, 1)
    assert all(isinstance(outcomes[n], ValueError) for n in (2, 3, 4))


def test_the_weight_of_its_items_limits_a_batch() -> None:
    run = HeldRun()
    served_together(Batcher(run, max_batch_size=3, weigh=lambda item: item), run)
    assert run.batches == [[0], [1, 2], [3], [4]], "an item above the limit runs alone"
