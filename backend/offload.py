"""Work that takes a processor for long: done beside the loop under gevent, so that the worker goes on serving."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import gevent.monkey
from gevent.threadpool import ThreadPool

Result = TypeVar("Result")


def off_loop(function: Callable[..., Result], *args: Any) -> Result:
    """Run *function* in a thread under gevent, else here. It is of use where *function* lets go of the GIL: bcrypt, Pillow."""
    if gevent.monkey.is_module_patched("socket"):
        done: Result = _workers().apply(_behind_others, (function, *args))
        return done
    return function(*args)


@cache
def _workers() -> ThreadPool:
    """Two threads of our own: the ten of the hub's pool, all hashing, leave the loop a tenth of its core."""
    return ThreadPool(2)


def _behind_others(function: Callable[..., Result], *args: Any) -> Result:
    """Run *function* in a thread that stands back behind the loop, yet moves on a machine that is busy with other things."""
    if sys.platform == "linux":  # elsewhere threads have no priority of their own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    return function(*args)
