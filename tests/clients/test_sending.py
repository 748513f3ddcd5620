"""The client library tells of each message that it was sent, also if it is sent twice under one client_message_id."""

from __future__ import annotations

import pytest

from tests.clients.programs import orders_of, result_of


@pytest.mark.parametrize("order", orders_of("sending.mjs"))
def test_what_is_sent_again_is_told_to_be_sent(order: str) -> None:
    answer = result_of("sending.mjs", order)
    assert answer["done"] != "never"
    assert {message["id"] for message in answer["done"]} == {5}
    assert set(answer["states"]) == {"sent"}
    assert (answer["held"], answer["kept"]) == (0, 0)
