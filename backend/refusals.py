"""Log lines about what was refused: few enough that a caller who is refused again and again cannot fill the disk.

A line has the error's code, ids and the client's address. It never has what the caller sent.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger("confab.refusals")

PERIOD_SECONDS = 10.0
"""A second line about the same refusal follows the first after this time at the earliest."""

MAX_KEYS = 10_000
"""How many different refusals are remembered at once."""


@dataclass
class _Repeats:
    level: int
    fields: dict[str, Any]
    logged_at: float
    count: int = 0


class RefusalLog:
    """Writes the first refusal of a key at once and counts its repeats, which one later line reports.

    The `count` of a line says how many refusals it stands for. The repeats of a key are written with its first refusal after the
    period, or else with the next line about any key.
    """

    def __init__(self, *, max_keys: int = MAX_KEYS, clock: Callable[[], float] = time.monotonic):
        self._max_keys = max_keys
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: OrderedDict[Hashable, _Repeats] = OrderedDict()

    def write(self, key: Hashable, level: int, **fields: Any) -> None:
        """Log the refusal that *fields* describe, or count it where a line about *key* is not old enough."""
        with self._lock:
            now = self._clock()
            lines = self._forget_before(now - PERIOD_SECONDS)
            if (repeats := self._recent.get(key)) is not None:
                repeats.count += 1
                repeats.fields = fields
            else:
                if len(self._recent) >= self._max_keys:
                    lines.append(self._recent.popitem(last=False)[1])
                self._recent[key] = _Repeats(level, fields, now)
                lines.append(_Repeats(level, fields, now, 1))
        for line in lines:
            if line.count:
                logger.log(line.level, "refused", extra={"data": line.fields | {"count": line.count}})

    def _forget_before(self, time_: float) -> list[_Repeats]:
        """Remove the keys whose line is older than *time_*, and return them."""
        forgotten = []
        while self._recent and next(iter(self._recent.values())).logged_at <= time_:
            forgotten.append(self._recent.popitem(last=False)[1])
        return forgotten


REFUSALS = RefusalLog()
"""The refusals of this process."""
