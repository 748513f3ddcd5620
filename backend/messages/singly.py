"""Writing the items of a batch that failed one by one, so that none of them fails the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from backend.database import ANSWER_SECONDS, is_outage, is_unavailable
from backend.errors import ChatError, Unavailable

log = logging.getLogger("confab.messages")

SINGLY_SECONDS = ANSWER_SECONDS + 1
"""How long after its start a batch that failed may write its items one by one. The next batch waits for it, and may for 10 s."""

SHORT_TIMEOUTS = "SET LOCAL lock_timeout = 300; SET LOCAL statement_timeout = 1000"
"""A statement for PostgreSQL at the start of a transaction with one item, in milliseconds."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def write_singly(
    items: Sequence[Item],
    write: Callable[[Item], Result],
    lock_of: Callable[[Item], Hashable],
    until: float,
) -> list[Result | Exception]:
    """Call *write*, which commits, with each of *items*, until the monotonic time *until*. Returns the results and errors.

    After a timeout, later items with the same *lock_of* fail with the same error. If the database goes away, items that were
    committed before stay acknowledged.
    """
    results: list[Result | Exception] = []
    timeouts: dict[Hashable, Exception] = {}
    for item in items:
        if time.monotonic() >= until:
            results += [Unavailable() for _ in items[len(results) :]]
            break
        if (timeout := timeouts.get(lock_of(item))) is not None:
            results.append(timeout)
            continue
        try:
            results.append(write(item))
        except Exception as error:  # noqa: BLE001  # returned for its item
            if is_outage(error):
                results += [error] * (len(items) - len(results))
                break
            if is_unavailable(error):
                timeouts[lock_of(item)] = error
            results.append(log_failure(error))
    return results


def log_failure(error: Exception) -> Exception:
    """Log *error*, which is the result of one item, and return it."""
    if is_unavailable(error):
        log.warning("a message could not be written in time: %s", type(error).__name__)
    elif not isinstance(error, ChatError):
        log.error("a message could not be written", exc_info=error)
    return error
