"""Callers that wait together are served together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Turns a function over a list into a function of one item that many greenlets or threads may call at once.

    Whoever comes first leads: it runs the function over everything that waits, and hands each caller its result. Those that
    come while a batch runs form the next one, led by the first of them (group commit; "flat combining", Hendler et al.,
    SPAA 2010). A lone caller waits for nobody. Results that are exceptions are raised in the caller that they belong to. Where
    the function itself raises, it has done nothing: it runs again for each item of the batch alone, so that one caller's item
    cannot fail another's. An exception that *spreads* is raised in all callers of the batch, and in all that wait besides: where
    the database is away, nobody is to wait for another to find that out, too.

    A batch holds items that *weigh* *most* together, or a single one that is heavier.
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
        self._waiting: list[_Seat[Item, Result]] = []
        self._is_led = False

    def __call__(self, item: Item) -> Result:
        """Serve *item*, alone or with others, and return its result."""
        seat: _Seat[Item, Result] = _Seat(item)
        with self._lock:
            self._waiting.append(seat)
            leads, self._is_led = not self._is_led, True
        if not leads:
            seat.turn.acquire()
        if not seat.is_served:
            self._lead()
        if isinstance(seat.result, Exception):
            raise seat.result
        return seat.result

    def _lead(self) -> None:
        time.sleep(0)  # whoever is ready to run gets to its own call, and joins
        with self._lock:
            size = self._size_of_batch()
            batch, self._waiting = self._waiting[:size], self._waiting[size:]
        try:
            results, spread = self._serve([seat.item for seat in batch])
        except BaseException:
            # This greenlet is being killed; the others must not wait for it for ever.
            self._finish(batch, [RuntimeError("the batch was abandoned")] * len(batch))
            raise
        if spread is not None:
            with self._lock:
                behind, self._waiting = self._waiting, []
            batch, results = batch + behind, results + [spread] * len(behind)
        self._finish(batch, results)

    def _size_of_batch(self) -> int:
        weight = 0
        for size, seat in enumerate(self._waiting[: self._max_batch_size]):
            weight += self._weigh(seat.item)
            if weight > self._max_batch_size:
                return max(size, 1)
        return self._max_batch_size

    def _serve(self, items: list[Item]) -> tuple[list[Result | Exception], Exception | None]:
        """What becomes of *items*, and the failure that spreads, where there was one."""
        try:
            return list(self._run(items)), None
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised in the callers
            if self._fails_all(error):
                return [error] * len(items), error
            if len(items) == 1:
                return [error], None
        results: list[Result | Exception] = []
        for item in items:
            alone, spread = self._serve([item])
            results += alone
            if spread is not None:
                return results + [spread] * (len(items) - len(results)), spread
        return results, None

    def _finish(self, batch: list[_Seat[Item, Result]], results: Sequence[Result | Exception]) -> None:
        for seat, result in zip(batch, results, strict=True):
            seat.result, seat.is_served = result, True
        with self._lock:
            successor = self._waiting[0] if self._waiting else None
            self._is_led = successor is not None
        for seat in [*batch, *([successor] if successor else [])]:
            seat.turn.release()


class _Seat(Generic[Item, Result]):
    """One caller's place in a batch. `turn` opens when it was served, or when it is to lead."""

    __slots__ = ("is_served", "item", "result", "turn")

    def __init__(self, item: Item):
        self.item = item
        self.is_served = False
        self.result: Result | Exception
        self.turn = threading.Lock()
        self.turn.acquire()
