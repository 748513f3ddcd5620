"""Every test can fail: it asserts something itself, or it calls a helper that does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.servers import ROOT

TESTS = ROOT / "tests"
RAISING = {"raises", "warns", "fail"}
"""Functions of pytest that fail a test."""

HELPERS = {
    "assert_ended", "assert_open",  # sockets
    "assert_ended_with_408",  # a connection of a client that stalls
    "assert_own",  # a budget of each user
    "assert_problem",  # an answer with a problem
    "append_and_check",  # messages that were not published
    "assert_accessible", "check_accessible",  # what axe-core finds in the page
    "check_answers",  # what a generated client received
    "check_refused",  # an archive that is not restored
    "expect", "expect_message", "wait_until", "wait_until_blocked",  # they fail if it does not happen in time
    "_check_adopted_rooms",  # rooms of a legacy database
    "_check_found_and_mended",  # a fault of the schema
    "play",  # random actions, whose counts are compared with those of a model
    "refused",  # an answer of a room that refuses
    "subscribers",  # sockets that Redis sends a topic to
    "until_contents",  # the messages that a page shows
}  # fmt: skip
"""Helpers that assert, or raise an error, where the promise of the test is broken."""

ALONE = {
    "tests/clients/test_types.py::test_the_types_are_those_of_the_sources",  # the check itself raises
    "tests/storage/test_storage.py::test_a_check_of_a_working_storage",  # the check itself raises
}


def each_test() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(ROOT)}::{node.name}", node


def can_fail(test: ast.FunctionDef) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in RAISING or name in HELPERS:
                return True
    return False


def test_every_test_asserts_something() -> None:
    found = dict(each_test())
    assert len(found) > 1000
    assert {name for name, test in found.items() if not can_fail(test)} == ALONE


def test_every_helper_is_used() -> None:
    source = "".join(path.read_text() for path in TESTS.rglob("test_*.py") if path.name != "test_assertions.py")
    assert {name for name in HELPERS if f"{name}(" not in source} == set()
