"""The short form of `make conformance`: Autobahn's cases but those that take seconds, or are large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.autobahn import complaint, echoing, policy_of, run
from tests.realtime.conftest import Deployment

SLOW = ["6.4.*", "9.*", "12.*", "13.*"]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with echoing(Path(tmp_path_factory.mktemp("echo"))) as made:
        yield made


def test_autobahns_cases(deployment: Deployment) -> None:
    results = run(deployment, but=SLOW)
    assert len([case for case in results if policy_of(case.case_id) is None]) > 200
    assert [each for case in results if (each := complaint(case))] == []


@pytest.mark.parametrize("case_id", ["9.1.2", "9.1.1"])
def test_what_the_policy_says_of_large_messages(deployment: Deployment, case_id: str) -> None:
    [case] = run(deployment, [case_id])
    assert complaint(case) is None
    assert (policy_of(case_id) is None) == case.passed


def test_an_outcome_that_the_list_does_not_foresee_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    [passed, refused] = run(deployment, ["1.1.1", "1.2.1"])
    monkeypatch.setattr("tests.conformance.autobahn.POLICY", ())
    assert complaint(passed) is None
    told = complaint(refused)
    assert told is not None
    assert told.startswith("case 1.2.1 was to pass: FAILED")
