"""Ids that no column can hold: the frame with such an id gets an error, and other frames are handled."""

from __future__ import annotations

import pytest

from tests.realtime.conftest import Deployment

HUGE = [2**63 - 1, 2**63, 9999999999999999999, 10**40]


@pytest.mark.parametrize("number", HUGE, ids=str)
def test_a_huge_id_refuses_only_its_own_frame(deployment: Deployment, number: int) -> None:
    ann, ben = deployment.user(), deployment.user()
    room = ann.room(ben)
    with ann.live() as client, ben.live() as other:
        for name in (f"dm:{ann.id}:{number}", f"dm:{number}:{number}", f"room:{number}"):
            refused = [
                client.send_frame("send", content="x", conversation_id=name),
                client.send_frame("send", content="x", conversation_id=name, client_message_id=f"{name[:20]}"),
                client.send_frame("typing", conversation_id=name),
                client.send_frame("read", conversation_id=name, seq=1),
            ]
            good = client.send_frame("send", content=name[:50], room_id=room["id"])
            sent = other.send("from another user", room_id=room["id"])
            assert sent["content"] == "from another user"
            for id_ in refused:
                answer = client.answer(id_)
                assert (answer["type"], answer["code"]) == ("error", "not_found"), answer
            assert client.answer(good)["type"] == "ack"
            assert client.resume({name: 0})[0]["gone"] == [name]
        for field in ("room_id", "recipient_id", "parent_id"):
            answer = client.call("send", content="x", **{field: number})
            assert (answer["type"], answer["code"]) in (("error", "not_found"), ("error", "validation_failed"))
        assert client.call("ping")["type"] == "pong"
