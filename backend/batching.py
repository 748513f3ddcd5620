"""Group commit: concurrent calls of one function are served by one call with a list."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Turns a function over a list into a function of one item that many greenlets or threads may call at once.

    The first caller is the leader: it runs the function over all queued items and gives each caller its result. Calls that arrive
    while a batch runs are queued for the next batch, whose leader is the first of them ("flat combining", Hendler et al., SPAA
    2010). A single caller waits for no other.

    A result that is an exception is raised in the caller of its item. If the function itself raises, it must have done nothing:
    it then runs again for each item of the batch alone, so that one item cannot fail the others. If `fails_all(error)` is true,
    all queued callers fail too, so that an outage is not rediscovered batch by batch.

    `weigh` gives the weight of an item. A batch weighs at most *max_batch_size*, or holds a single heavier item.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result | Exception]],
        max_batch_size: int = 100,
        fails_all: Callable[[Exception], bool] = lambda error: False,
        weigh: Callable[[Item], int] = lambda item: 1,
    ):
        self._run = run
        self._fails_all = fails_all
        self._weigh = weigh
        self._max_batch_size = max_batch_size
        self._lock = threading.Lock()
        self._queue: list[_Call[Item, Result]] = []
        self._has_leader = False

    @property
    def waiting(self) -> int:
        """How many calls are queued for the next batch."""
        return len(self._queue)

    def __call__(self, item: Item) -> Result:
        """Serve *item*, alone or in a batch, and return its result."""
        call: _Call[Item, Result] = _Call(item)
        with self._lock:
            self._queue.append(call)
            leads, self._has_leader = not self._has_leader, True
        if not leads:
            call.turn.acquire()
        if not call.is_served:
            self._lead()
        if isinstance(call.result, Exception):
            raise call.result
        return call.result

    def _lead(self) -> None:
        time.sleep(0)  # greenlets that are ready to run get to their own calls, and join the batch
        with self._lock:
            size = self._batch_size()
            batch, self._queue = self._queue[:size], self._queue[size:]
        try:
            results, outage = self._serve([call.item for call in batch])
        except BaseException:
            # This greenlet is being killed; the others must not wait for it for ever.
            self._finish(batch, [RuntimeError("the batch was abandoned")] * len(batch))
            raise
        if outage is not None:
            with self._lock:
                queued, self._queue = self._queue, []
            batch, results = batch + queued, results + [outage] * len(queued)
        self._finish(batch, results)

    def _batch_size(self) -> int:
        weight = 0
        for size, call in enumerate(self._queue[: self._max_batch_size]):
            weight += self._weigh(call.item)
            if weight > self._max_batch_size:
                return max(size, 1)
        return self._max_batch_size

    def _serve(self, items: list[Item]) -> tuple[list[Result | Exception], Exception | None]:
        """The results of *items*, and the error that fails all callers, if there was one."""
        try:
            return list(self._run(items)), None
        except Exception as error:  # noqa: BLE001  # it is raised in the callers
            if self._fails_all(error):
                return [error] * len(items), error
            if len(items) == 1:
                return [error], None
        results: list[Result | Exception] = []
        for item in items:
            alone, outage = self._serve([item])
            results += alone
            if outage is not None:
                return results + [outage] * (len(items) - len(results)), outage
        return results, None

    def _finish(self, batch: list[_Call[Item, Result]], results: Sequence[Result | Exception]) -> None:
        for call, result in zip(batch, results, strict=True):
            call.result, call.is_served = result, True
        with self._lock:
            leader = self._queue[0] if self._queue else None
            self._has_leader = leader is not None
        for call in [*batch, *([leader] if leader else [])]:
            call.turn.release()


def batch_of_groups(
    run: Callable[[list[Item]], Sequence[Result]],
) -> Callable[[list[Sequence[Item]]], list[list[Result]]]:
    """Turn a function over a list into one over groups, for a `Batcher` whose callers each have several items."""

    def run_groups(groups: list[Sequence[Item]]) -> list[list[Result]]:
        results = iter(run([item for group in groups for item in group]))
        return [[next(results) for _ in group] for group in groups]

    return run_groups


class _Call(Generic[Item, Result]):
    """One call. `turn` is released when the call was served, or when its caller becomes the leader."""

    __slots__ = ("is_served", "item", "result", "turn")

    def __init__(self, item: Item):
        self.item = item
        self.is_served = False
        self.result: Result | Exception
        self.turn = threading.Lock()
        self.turn.acquire()
