"""Work that takes a processor for long: done in the hub's thread pool under gevent, so that the worker's loop turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import gevent.hub
import gevent.monkey

Result = TypeVar("Result")


def off_loop(function: Callable[..., Result], *args: Any) -> Result:
    """Run *function*, which must let go of the GIL to be of use there, in the thread pool under gevent; else here."""
    if gevent.monkey.is_module_patched("socket"):
        done: Result = gevent.hub.get_hub().threadpool.apply(function, args)
        return done
    return function(*args)
