"""The short form of `make conformance`: Autobahn's cases without those that are slow or large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.autobahn import echo_deployment, failure_of, policy_of, run
from tests.realtime.conftest import Deployment

SLOW = ["6.4.*", "9.*", "12.*", "13.*"]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with echo_deployment(Path(tmp_path_factory.mktemp("echo"))) as made:
        yield made


def test_autobahns_cases_pass_or_are_refused_by_policy(deployment: Deployment) -> None:
    results = run(deployment, excluded=SLOW)
    assert len([case for case in results if policy_of(case.case_id) is None]) > 200
    assert [each for case in results if (each := failure_of(case))] == []


@pytest.mark.parametrize("case_id", ["9.1.2", "9.1.1"])
def test_large_messages_are_refused_as_the_policy_says(deployment: Deployment, case_id: str) -> None:
    [case] = run(deployment, [case_id])
    assert failure_of(case) is None
    assert (policy_of(case_id) is None) == case.passed


def test_an_unexpected_outcome_is_reported(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    [passed, refused] = run(deployment, ["1.1.1", "1.2.1"])
    monkeypatch.setattr("tests.conformance.autobahn.POLICY", ())
    assert failure_of(passed) is None
    failure = failure_of(refused)
    assert failure is not None
    assert failure.startswith("case 1.2.1 was to pass: FAILED")
