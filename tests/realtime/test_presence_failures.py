"""Presence where PostgreSQL or Redis fails at the moment at which it is sent: it is sent afterwards."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.factories import Factory
from tests.realtime.conftest import Deployment
from tests.realtime.recorder import Recorder, make_server, register


def test_presence_arrives_although_each_step_fails_at_first(failing: Deployment) -> None:
    watcher, others = failing.user(), [failing.user() for _ in range(2)]
    watcher.room(*others)
    clients = failing.on_each_worker(watcher)
    for other in others:
        with other.live():
            for client in clients:
                client.expect("presence", timeout=10, user_id=other.id, status="online")
            left_at = datetime.now().astimezone()
        for client in clients:
            gone = client.expect("presence", timeout=10, user_id=other.id, status="offline")
            assert datetime.fromisoformat(gone["last_seen_at"]) >= left_at


def test_presence_after_a_block_that_a_database_error_delayed_is_sent_afterwards(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = make.client(), make.client()
    make.room(ann, "room", ben)
    ids: list[int] = [client.user.id for client in (ann, ben)]  # type: ignore[attr-defined]
    make.block(ann.user, ben.user)  # type: ignore[attr-defined]
    hub, recorder = make_server(app).hub, Recorder(ids[1])
    register(hub, recorder)
    hub.presence.blocks.block_changed(*ids)
    with monkeypatch.context() as fault:
        fault.setattr("backend.realtime.presence.blocks.watchers", None)
        with pytest.raises(TypeError):
            hub.presence.blocks.send(ids, ids)
    assert recorder.written == []
    for _ in range(2):
        hub.presence.blocks.send(ids, ids)
    assert [b'"offline"' in data for data in recorder.written] == [True]
