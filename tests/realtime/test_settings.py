"""The socket of a server with settings of its own: a foreign site in CORS_ORIGINS, and no lobby (LOBBY=off)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.realtime.conftest import Deployment, Deployments
from tests.realtime.raw import RawSocket, refusal

ALLOWED_ORIGIN = "https://chat.example"


@pytest.fixture(scope="module")
def configured(deployments: Deployments) -> Iterator[Deployment]:
    with deployments() as open_deployment:
        yield open_deployment("sqlite", measured=True, CORS_ORIGINS=ALLOWED_ORIGIN, LOBBY="off")


def test_a_foreign_site_in_cors_origins_may_open_sockets(configured: Deployment) -> None:
    path = f"/ws/x?token={configured.user().token}"
    with RawSocket(configured.url, path, Origin=ALLOWED_ORIGIN) as raw:
        assert raw.status == 101
    assert refusal(configured.url, path, Origin=ALLOWED_ORIGIN + ".evil.example") == (403, "forbidden")


def test_without_a_lobby_the_socket_has_none(configured: Deployment) -> None:
    user = configured.user()
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
