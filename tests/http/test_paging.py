"""`skip`, `limit` and the link to the next page."""

from __future__ import annotations

import pytest

from tests.client import Client

NAMES = "/api/lab/names/all"


def test_fifty_by_default(lab: Client) -> None:
    response = lab.get(NAMES)
    assert response.json == list(range(50))
    assert response.headers["Link"] == f'<{NAMES}?skip=50>; rel="next"'


def test_skip_and_limit(lab: Client) -> None:
    response = lab.get(f"{NAMES}?skip=7&limit=2&q=a%20b")
    assert response.json == [7, 8]
    assert response.headers["Link"] == f'<{NAMES}?limit=2&q=a+b&skip=9>; rel="next"'


@pytest.mark.parametrize("query", ["skip=0&limit=1", "skip=10000&limit=100"])
def test_the_bounds_are_inclusive(lab: Client, query: str) -> None:
    assert lab.get(f"{NAMES}?{query}").status_code == 200


def test_no_link_leads_beyond_the_maximal_skip(lab: Client) -> None:
    assert "Link" not in lab.get(f"{NAMES}?skip=10000").headers


@pytest.mark.parametrize("name", ["skip", "limit"])
@pytest.mark.parametrize(
    "value",
    ["-1", "", "a", "1.0", "1e1", "\uff11", "+1", "%201", "1" * 4000, str(2**63), "10001", "%00", "%ff", "true"],
)
def test_invalid_numbers_are_422(lab: Client, name: str, value: str) -> None:
    response = lab.get(f"{NAMES}?{name}={value}")
    assert (response.status_code, response.json["code"]) == (422, "validation_failed")
    assert list(response.json["errors"]) == [name]


@pytest.mark.parametrize("limit", ["0", "101"])
def test_a_limit_out_of_bounds_is_422(lab: Client, limit: str) -> None:
    assert lab.get(f"{NAMES}?limit={limit}").status_code == 422


def test_the_first_of_two_values_counts(lab: Client) -> None:
    assert lab.get(f"{NAMES}?limit=1&limit=2").json == [0]
