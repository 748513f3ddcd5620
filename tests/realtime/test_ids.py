"""Ids that no column can hold, over the socket: an error for their own frame, and nothing for anybody else's."""

from __future__ import annotations

import pytest

from tests.realtime.conftest import Deployment

HUGE = [2**63 - 1, 2**63, 9999999999999999999, 10**40]


@pytest.mark.parametrize("number", HUGE, ids=str)
def test_an_id_that_nothing_can_have_is_an_error_of_its_own_frame(deployment: Deployment, number: int) -> None:
    ann, ben = deployment.user(), deployment.user()
    room = ann.room(ben)
    with ann.live() as client, ben.live() as other:
        for name in (f"dm:{ann.id}:{number}", f"dm:{number}:{number}", f"room:{number}"):
            said = [
                client.say("send", content="x", conversation_id=name),
                client.say("send", content="x", conversation_id=name, client_message_id=f"{name[:20]}"),
                client.say("typing", conversation_id=name),
                client.say("read", conversation_id=name, seq=1),
            ]
            good = client.say("send", content=name[:50], room_id=room["id"])
            sent = other.send("of another", room_id=room["id"])
            assert sent["content"] == "of another"
            for id_ in said:
                answer = client.answer(id_)
                assert (answer["type"], answer["code"]) == ("error", "not_found"), answer
            assert client.answer(good)["type"] == "ack"
            assert client.resume({name: 0})[0]["gone"] == [name]
        for field in ("room_id", "recipient_id", "parent_id"):
            answer = client.call("send", content="x", **{field: number})
            assert (answer["type"], answer["code"]) in (("error", "not_found"), ("error", "validation_failed"))
        assert client.call("ping")["type"] == "pong"
