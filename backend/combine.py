"""Callers that wait together are served together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Combiner(Generic[Item, Result]):
    """Turns a function over a list into a function of one item that many greenlets or threads may call at once.

    Whoever comes first leads: it runs the function over everything that waits, and hands each caller its result. Those that
    come while a batch runs form the next one, led by the first of them (group commit; "flat combining", Hendler et al.,
    SPAA 2010). A lone caller waits for nobody. Results that are exceptions are raised in the caller that they belong to; an
    exception of the function itself is raised in all callers of the batch. One that *spreads* is raised in all that wait
    besides: where the database is away, nobody is to wait for another to find that out, too.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result | Exception]],
        most: int = 100,
        spreads: Callable[[Exception], bool] = lambda error: False,
    ):
        self._run = run
        self._spreads = spreads
        self._most = most
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
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            results = self._run([seat.item for seat in batch])
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised in every caller
            if self._spreads(error):
                with self._lock:
                    batch, self._waiting = batch + self._waiting, []
            results = [error] * len(batch)
        except BaseException:
            # This greenlet is being killed; the others must not wait for it for ever.
            self._finish(batch, [RuntimeError("the batch was abandoned")] * len(batch))
            raise
        self._finish(batch, results)

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
