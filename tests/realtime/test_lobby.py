"""The socket where there is no lobby (LOBBY=off)."""

from __future__ import annotations

from tests.realtime.conftest import OpenDeployment


def test_without_a_lobby_the_socket_has_none(open_deployment: OpenDeployment) -> None:
    user = open_deployment("sqlite", LOBBY="off").user()
    with user.live() as client:
        refused = [
            client.call("send", content="a"),
            client.call("send", content="a", conversation_id="lobby"),
            client.call("typing", conversation_id="lobby", is_typing=True),
            client.call("read", conversation_id="lobby", seq=1),
        ]
        assert [frame["code"] for frame in refused] == ["not_found"] * 4
        assert client.resume({"lobby": 1})[-1]["gone"] == ["lobby"]
        assert client.call("send", content="b", room_id=user.room()["id"])["type"] == "ack"
