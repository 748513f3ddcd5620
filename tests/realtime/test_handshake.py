"""The opening handshake of sockets: origins, client ids, and headers."""

from __future__ import annotations

import pytest
import requests

from tests.realtime.conftest import Deployment
from tests.realtime.raw import RawSocket, refusal


def test_foreign_origins_are_refused_before_the_upgrade(deployment: Deployment) -> None:
    path = f"/ws/x?token={deployment.user().token}"
    for origin in (
        "http://evil.example",
        "null",
        "http://[",
        f"http://evil.example/{deployment.url}",
        deployment.url + ".evil",
    ):
        assert refusal(deployment.url, path, Origin=origin) == (403, "forbidden")
    for origin in (deployment.url, None):
        with RawSocket(deployment.url, path, Origin=origin) as raw:
            assert raw.status == 101


@pytest.mark.parametrize("client_id", ["x" * 65, "a.b", "a%20b", "%C3%A9"])
def test_bad_client_ids_are_refused(deployment: Deployment, client_id: str) -> None:
    assert refusal(deployment.url, f"/ws/{client_id}?token={deployment.user().token}") == (422, "validation_failed")


@pytest.mark.parametrize("client_id", ["x", "x" * 64, "A-z_0", "slash/"])
def test_good_client_ids_are_accepted(deployment: Deployment, client_id: str) -> None:
    with RawSocket(deployment.url, f"/ws/{client_id}?token={deployment.user().token}", X_Request_ID="mine") as raw:
        assert raw.status == 101
        assert "X-Request-ID: mine" in raw.head.split("\r\n")


def test_bad_handshakes_are_refused(deployment: Deployment) -> None:
    path = f"/ws/x?token={deployment.user().token}"
    for headers in ({"Sec_WebSocket_Key": None}, {"Sec_WebSocket_Key": "short"}, {"Sec_WebSocket_Version": None}):
        assert refusal(deployment.url, path, **headers) == (400, "bad_handshake")
    assert refusal(deployment.url, path, Sec_WebSocket_Version="8") == (426, "upgrade_required")
    other_version = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8"}
    answer = requests.get(deployment.url + path, headers=other_version, timeout=5)
    assert (answer.status_code, answer.headers["Sec-WebSocket-Version"]) == (426, "13")
    plain = requests.get(f"{deployment.url}/ws/x", timeout=5)
    assert (plain.status_code, plain.json()["code"]) == (426, "upgrade_required")
    assert plain.headers["Upgrade"] == "websocket"
    assert requests.post(f"{deployment.url}/ws/x", timeout=5).status_code == 405
    assert requests.get(f"{deployment.url}/ws", timeout=5).status_code == 404
