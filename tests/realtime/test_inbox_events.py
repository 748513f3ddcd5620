"""Inbox settings and read marks over sockets: only the user's own devices receive the settings."""

from __future__ import annotations

from tests.realtime.conftest import Deployment


def test_a_users_other_devices_receive_read_marks_and_inbox_settings(deployment: Deployment) -> None:
    ann, ben = deployment.user(), deployment.user()
    name = ann.send("hello", recipient_id=ben.id)["conversation_id"]
    with ben.live() as phone, ben.live() as laptop, ann.live() as other:
        assert phone.call("read", conversation_id=name, seq=1)["type"] == "ok"
        assert laptop.expect("inbox.updated", conversation_id=name)["last_read_seq"] == 1
        assert laptop.expect("read", conversation_id=name)["seq"] == 1
        assert other.expect("read", conversation_id=name)["seq"] == 1
        ben("POST", f"/api/chat/conversations/{name}/unread", {"seq": 1})
        for device in (phone, laptop):
            assert device.expect("inbox.updated", conversation_id=name)["last_read_seq"] == 0
            assert device.expect("read", conversation_id=name)["seq"] == 0
        ben("PATCH", f"/api/chat/conversations/{name}", {"is_muted": True})
        for device in (phone, laptop):
            assert device.expect("inbox.updated", conversation_id=name)["is_muted"] is True
        assert [frame["type"] for frame in other.sync() if frame["type"] in ("inbox.updated", "read")] == []
        assert [frame["type"] for frame in phone.events if frame["type"] == "inbox.updated"].count("inbox.updated") == 2


def test_an_event_arrives_once_also_on_the_worker_that_published_it(deployment: Deployment) -> None:
    """Redis returns to a worker what it published. A later event of the other worker shows that it has."""
    ann, ben = deployment.user(), deployment.user()
    for content in ("1", "2"):
        name = ann.send(content, recipient_id=ben.id)["conversation_id"]
    phones, laptops = deployment.on_each_worker(ben), deployment.on_each_worker(ben)
    assert phones[0].call("read", conversation_id=name, seq=1)["type"] == "ok"
    laptops[-1].expect("read", conversation_id=name, seq=1)
    laptops[-1].expect("inbox.updated", conversation_id=name, last_read_seq=1)
    assert phones[-1].call("read", conversation_id=name, seq=2)["type"] == "ok"
    for client in laptops:
        client.expect("read", conversation_id=name, seq=2)
        client.expect("inbox.updated", conversation_id=name, last_read_seq=2)
        for type_, field in (("read", "seq"), ("inbox.updated", "last_read_seq")):
            assert [frame[field] for frame in client.events if frame["type"] == type_] == [1, 2]
