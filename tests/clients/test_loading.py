"""The client library shows the last version of each message, whatever arrives while messages are loaded."""

from __future__ import annotations

import pytest

from tests.clients.programs import orders_of, result_of


@pytest.mark.parametrize("order", orders_of("loading.mjs"))
def test_the_last_version_is_shown(order: str) -> None:
    assert result_of("loading.mjs", order) == ["1", "2 edited", "3"]
