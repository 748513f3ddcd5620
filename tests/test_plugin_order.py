"""The order of the tests in a parallel run."""

from __future__ import annotations

import pytest

from tests.plugin_order import SLOW_FOLDERS, shuffled, slow_first


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_the_part_of_every_worker_begins_with_slow_tests_and_ends_with_quick_ones(workers: int) -> None:
    folders = ["auth"] * 40 + [folder for folder in SLOW_FOLDERS for _ in range(5)] + ["users"] * 39
    items = list(range(len(folders)))
    ordered = slow_first(items, folders, workers)
    assert sorted(ordered) == items
    start = 0
    for number in range(workers):
        part = ordered[start : start + (len(items) - start) // (workers - number)]
        start += len(part)
        are_slow = [folders[item] in SLOW_FOLDERS for item in part]
        assert are_slow == sorted(are_slow, reverse=True)
        assert are_slow[0]
        assert not are_slow[-1]
        assert part[: sum(are_slow)] == sorted(part[: sum(are_slow)]), "the tests of a folder stay in their order"


def test_a_seed_gives_one_order_in_which_modules_stay_whole() -> None:
    modules = [name for name in "abcdef" for _ in range(8)]
    items = list(range(len(modules)))
    ordered = shuffled(items, modules, 3)
    assert sorted(ordered) == items
    assert ordered == shuffled(items, modules, 3)
    assert ordered != shuffled(items, modules, 4)
    of_modules = [modules[item] for item in ordered]
    assert all(len(set(of_modules[start : start + 8])) == 1 for start in range(0, len(items), 8))
    assert of_modules != modules
    assert any(ordered[start : start + 8] != sorted(ordered[start : start + 8]) for start in range(0, len(items), 8))
