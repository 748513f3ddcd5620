"""The order of the tests: in a parallel run those that take seconds come first, so that the last ones are short.

`--shuffle SEED` runs them in another order, which finds tests that need what another one left, or that another one disturbs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any, TypeVar

import pytest

Item = TypeVar("Item")

SLOW_FOLDERS = ("page", "realtime", "clients", "chaos", "deploy", "web", "http", "ops")
"""The folders of `tests/` whose tests start servers and browsers. Each belongs to one worker, because its tests share these."""


def slow_first(items: Sequence[Item], folders: Sequence[str], workers: int) -> list[Item]:
    """Order *items*, of which each is in one of *folders*, for xdist's `worksteal`.

    It gives each worker an equal part of the list, one after the other, and an idle worker later takes from the end of another's
    part. So every part begins with slow tests, and ends with quick ones.
    """
    slow: list[list[Item]] = [[] for _ in range(workers)]
    quick = []
    for item, folder in zip(items, folders, strict=True):
        if folder in SLOW_FOLDERS:
            slow[SLOW_FOLDERS.index(folder) % workers].append(item)
        else:
            quick.append(item)
    parts, taken = [], 0
    for number, part in enumerate(slow):
        left = workers - number
        size = (len(items) - sum(map(len, parts))) // left
        added = max(0, size - len(part))
        parts.append([*part, *quick[taken : taken + added]])
        taken += added
    return [*chain.from_iterable(parts), *quick[taken:]]


def shuffled(items: Sequence[Item], modules: Sequence[str], seed: int) -> list[Item]:
    """Order the *modules* of *items* at random, and the items of each. The order is the same for the same *seed*."""
    chance = random.Random(seed)
    tests: dict[str, list[Item]] = {}
    for item, module in zip(items, modules, strict=True):
        tests.setdefault(module, []).append(item)
    parts = list(tests.values())
    chance.shuffle(parts)
    for part in parts:
        chance.shuffle(part)
    return [*chain.from_iterable(parts)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run modules, and the tests of each, in a random order"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: Any, items: list[pytest.Item]) -> None:
    seed = config.getoption("shuffle")
    if seed is not None:
        items[:] = shuffled(items, [str(item.path) for item in items], seed)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        folders = [PurePath(item.path).relative_to(config.rootpath).parts[1] for item in items]
        items[:] = slow_first(items, folders, workers)
