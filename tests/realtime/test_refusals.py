"""Refused frames and refused openings in the log of a running server."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.realtime.conftest import Deployment

SECRET = "the-words-of-a-private-message"


def lines(deployment: Deployment, **members: Any) -> list[dict[str, Any]]:
    """The log lines of refusals that have these members."""
    found = [json.loads(line) for line in deployment.server.output().splitlines() if '"confab.refusals"' in line]
    return [line for line in found if members.items() <= line.items()]


def test_a_refused_frame_is_logged(deployment: Deployment) -> None:
    user, other = deployment.user(), deployment.user()
    room = other.room(is_public=False)
    with user.live() as client:
        assert client.call("send", content=SECRET, room_id=room["id"])["code"] == "not_found"
        assert client.call("dance", step=SECRET)["code"] == "validation_failed"
    refused = {line["code"]: line for line in lines(deployment, user_id=user.id)}
    assert refused.keys() == {"not_found", "validation_failed"}
    line = refused["not_found"]
    assert (line["event"], line["level"], line["address"], line["count"]) == ("frame.refused", "info", "127.0.0.1", 1)
    assert line["connection_id"] == refused["validation_failed"]["connection_id"]
    assert line.keys() == {
        *("time", "level", "logger", "message"),
        *("event", "code", "user_id", "address", "connection_id", "count"),
    }
    assert SECRET not in deployment.server.output()
    assert "dance" not in deployment.server.output()


def test_a_hundred_refused_frames_are_logged_once(deployment: Deployment) -> None:
    user = deployment.user()
    with user.live() as client:
        ids = [client.send_frame("typing", conversation_id="room:nowhere") for _ in range(100)]
        assert {client.answer(id_)["code"] for id_ in ids} == {"not_found"}
    assert len(lines(deployment, user_id=user.id)) == 1


def test_a_bad_token_is_logged_for_an_opening_and_for_a_frame(deployment: Deployment) -> None:
    """From an address of its own: the lines of bad tokens that come from one address are counted together."""
    user = deployment.user()
    with user.live() as client:
        client.send_frame("auth", token=SECRET)
        assert client.close_code() == 4401
    [line] = lines(deployment, user_id=user.id)
    assert (line["event"], line["code"]) == ("frame.refused", "unauthorized")
    address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    url = f"{deployment.url.replace('http', 'ws')}/ws/me?token={SECRET}"
    with connect(url, source_address=(address, 0)) as socket, pytest.raises(ConnectionClosed):
        socket.recv()
    opening = lines(deployment, event="socket.refused", address=address)
    assert [(line["code"], line["user_id"], line["level"]) for line in opening] == [("unauthorized", None, "warning")]
    assert opening[0]["request_id"]
    assert SECRET not in deployment.server.output()
