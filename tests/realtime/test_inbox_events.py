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
