"""Erasing an account: no personal data is left, and no message is lost."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select, update

from backend.accounts.erasure import finish, list_unfinished
from backend.auth.otp import store_code
from backend.models import Attachment, Message, OtpCode, Pin, Reaction, RoomMembership, User
from backend.models.base import Base, db, utcnow
from backend.security.hashing import hash_password
from backend.storage import FileMissing, storage
from tests.client import Client
from tests.factories import Factory
from tests.rooms.state import memberships
from tests.stored import empty_storage, files
from tests.users.conftest import MOBILE, PASSWORD

ME = "/api/users/me"
MARKS = ("zephyrine", "Quillfeather", "Ostrobogulous", "zq@example.com", MOBILE[1:], "Netscape-9", "203.0.113.77")


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def dump(app: Flask) -> str:
    with app.app_context():
        return "\n".join(
            f"{table.name}: {row}" for table in Base.metadata.sorted_tables for row in db.session.execute(select(table))
        )


def picture() -> BytesIO:
    out = BytesIO()
    Image.new("RGB", (40, 40)).save(out, "PNG")
    out.seek(0)
    return out


def erase(client: Client, **body: Any) -> Any:
    return client.delete(ME, body or {"password": PASSWORD})


def test_nothing_personal_is_left(app: Flask, make: Factory, zeph: Client) -> None:
    empty_storage(app)
    ann, other = make.client(make.user("ann")), make.client()
    zid = zeph.user.id  # type: ignore[attr-defined]
    room = make.room(zeph, "their room", ann)
    sent = zeph.post("/api/chat/send", {"content": "hello", "room_id": room["id"], "client_message_id": "k1"}).json
    direct = zeph.post("/api/chat/send", {"content": "psst", "recipient_id": ann.user.id}).json
    answered = ann.post("/api/chat/send", {"content": "yes?", "recipient_id": zid}).json
    zeph.post("/api/chat/send", {"content": "Ostrobogulous secret diary", "recipient_id": zid})
    named = ann.post("/api/chat/send", {"content": "@zephyrine look"}).json
    assert named["mentions"] == [zid]
    ann.put(f"/api/users/me/blocks/{zid}")
    zeph.put(f"/api/users/me/blocks/{other.user.id}")
    zeph.post("/api/auth/tokens", {"name": "Quillfeather's laptop"})
    zeph.post("/api/auth/ws-ticket")
    zeph.post(f"/api/rooms/{room['id']}/invites", {})
    zeph.post(f"/api/chat/messages/{named['id']}/report", {"reason": "rude"})
    zeph.put("/api/users/me/avatar", data={"file": (picture(), "x.png")}, content_type="multipart/form-data")
    before = dump(app)
    assert [mark for mark in MARKS if mark not in before] == []
    assert len(files(app)) == 1

    assert erase(zeph).status_code == 204

    assert ann.get(f"/api/chat/messages/{named['id']}").json["mentions"] == []
    assert ann.delete(f"/api/chat/messages/{named['id']}?hard=true").status_code == 204  # others keep what they wrote
    after = dump(app)
    assert [mark for mark in MARKS if mark.lower() in after.lower()] == []
    assert files(app) == []
    assert code(zeph.get(ME)) == (401, "token_revoked")
    login = {"email": "zq@example.com", "password": PASSWORD}
    assert code(Client(app).post("/api/auth/login", login)) == (401, "invalid_credentials")
    assert code(ann.get(f"/api/users/{zid}")) == (404, "not_found")
    shown = ann.get(f"/api/chat/messages/{sent['id']}").json
    assert (shown["content"], shown["client_message_id"]) == ("hello", None)
    tombstone = ann.get(f"/api/users/{shown['sender_id']}").json
    assert (tombstone["full_name"], tombstone["is_active"]) == ("Deleted user", False)
    history = {m["id"]: m for m in ann.get(f"/api/chat/messages?conversation_id={direct['conversation_id']}").json}
    assert history[direct["id"]]["sender_id"] == history[answered["id"]]["recipient_id"] == tombstone["id"]
    with app.app_context():
        assert list_unfinished() == []


def test_files_and_reactions_are_deleted(app: Flask, make: Factory, zeph: Client) -> None:
    ann, zid = make.client(), zeph.user.id  # type: ignore[attr-defined]
    room = make.room(zeph, "room", ann)
    own = zeph.post("/api/chat/send", {"content": "see", "room_id": room["id"]}).json
    liked = ann.post("/api/chat/send", {"content": "nice", "room_id": room["id"]}).json
    with app.app_context():
        for n, message_id in enumerate((own["id"], None)):
            storage().write(f"files/{n}.bin", BytesIO(b"x"))
            row = {"filename": "cv.pdf", "content_type": "x", "size": 1, "storage_key": f"files/{n}.bin"}
            db.session.add(Attachment(user_id=zid, message_id=message_id, **row))
        db.session.add(Reaction(message_id=liked["id"], user_id=zid, emoji="+"))
        db.session.add(Reaction(message_id=liked["id"], user_id=ann.user.id, emoji="+"))
        db.session.add(Pin(message_id=liked["id"], conversation_id=room["conversation_id"], pinned_by_id=zid))
        db.session.execute(db.update(Message).values(has_extras=True))
        db.session.commit()
    before = ann.get(f"/api/chat/messages/{liked['id']}").json
    assert erase(zeph).status_code == 204
    after = ann.get(f"/api/chat/messages/{liked['id']}").json
    assert after["reactions"] == [{"emoji": "+", "count": 1, "user_ids": [ann.user.id]}]
    assert after["modseq"] > before["modseq"]
    assert after["sender_id"] == ann.user.id
    assert ann.get(f"/api/chat/messages/{own['id']}").json["attachments"] == []
    with app.app_context():
        assert db.session.scalars(select(Attachment)).all() == []
        assert db.session.scalars(select(Pin.pinned_by_id)).all() == [None]
        for n in range(2):
            with pytest.raises(FileMissing):
                storage().size(f"files/{n}.bin")


def test_email_username_and_number_can_be_used_again(app: Flask, zeph: Client) -> None:
    assert erase(zeph).status_code == 204
    body = {"email": "zq@example.com", "password": PASSWORD, "username": "zephyrine", "mobile": MOBILE}
    assert Client(app).post("/api/auth/register", body).status_code == 201


def test_every_change_has_its_modseq(app: Flask, make: Factory, zeph: Client) -> None:
    """Sync returns each changed message once, and numbers have no gaps."""
    ann = make.client()
    room = make.room(zeph, "room", ann)
    for n in range(5):
        zeph.post("/api/chat/send", {"content": f"{n}", "room_id": room["id"]})
    seen = ann.post("/api/chat/sync", {}).json["conversations"]
    marks = {c["id"]: c["last_modseq"] for c in seen}
    assert erase(zeph).status_code == 204
    changes = next(
        c for c in ann.post("/api/chat/sync", {"conversations": marks}).json["conversations"]
        if c["id"] == room["conversation_id"]
    )  # fmt: skip
    assert [m["content"] for m in changes["messages"]] == ["0", "1", "2", "3", "4"]
    assert {m["sender_id"] for m in changes["messages"]} != {zeph.user.id}  # type: ignore[attr-defined]
    taken = [m["modseq"] for m in changes["messages"]] + [m["modseq"] for m in changes["members"]]
    assert sorted(taken) == list(range(marks[room["conversation_id"]] + 1, changes["last_modseq"] + 1))
    assert changes["unread_count"] == 5


def test_rooms_pass_to_the_oldest_admin_or_the_oldest_member(app: Flask, make: Factory, zeph: Client) -> None:
    first, second, third = (make.client() for _ in range(3))
    with_admin, with_members = make.room(zeph, "a", first, second, third), make.room(zeph, "b", first, second)
    zeph.patch(f"/api/rooms/{with_admin['id']}/members/{second.user.id}", {"is_admin": True})
    alone, joined = make.room(zeph, "c"), make.room(first, "d", zeph)
    assert erase(zeph).status_code == 204
    assert first.get(f"/api/rooms/{with_admin['id']}").json["owner_id"] == second.user.id
    passed = first.get(f"/api/rooms/{with_members['id']}").json
    assert (passed["owner_id"], passed["is_admin"], passed["member_count"]) == (first.user.id, True, 2)
    assert code(first.get(f"/api/rooms/{alone['id']}")) == (404, "not_found")
    assert first.get(f"/api/rooms/{joined['id']}").json["member_count"] == 1
    with app.app_context():
        active = RoomMembership.left_at.is_(None)
        left = select(RoomMembership.id).where(active, RoomMembership.user_id == zeph.user.id)  # type: ignore[attr-defined]
        assert db.session.scalars(left).all() == []
    assert memberships(app, joined)[zeph.user.id].left_at is not None  # type: ignore[attr-defined]


def test_rooms_pass_to_a_member_who_can_sign_in(app: Flask, make: Factory, zeph: Client) -> None:
    """Although the deactivated one is an admin, and has been a member for longer."""
    gone, heir = make.client(), make.client()
    room = make.room(zeph, "a", gone, heir)
    zeph.patch(f"/api/rooms/{room['id']}/members/{gone.user.id}", {"is_admin": True})
    with app.app_context():
        db.session.execute(update(User).where(User.id == gone.user.id).values(is_active=False))  # type: ignore[attr-defined]
        db.session.commit()
    assert erase(zeph).status_code == 204
    found = heir.get(f"/api/rooms/{room['id']}").json
    assert (found["owner_id"], found["is_admin"]) == (heir.user.id, True)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("values", "status"), [({"is_active": False}, 200), ({"deleted_at": utcnow()}, 404)])
def test_a_room_without_active_members_stays_unless_they_are_erased(
    app: Flask, make: Factory, zeph: Client, values: dict[str, Any], status: int
) -> None:
    gone, watcher = make.client(), make.client()
    room = make.room(zeph, "a", gone)
    with app.app_context():
        db.session.execute(update(User).where(User.id == gone.user.id).values(values))  # type: ignore[attr-defined]
        db.session.commit()
    assert erase(zeph).status_code == 204
    assert watcher.get(f"/api/rooms/{room['id']}").status_code == status


def test_an_erasure_needs_confirmation(app: Flask, make: Factory, zeph: Client) -> None:
    assert code(zeph.delete(ME, {})) == (422, "validation_failed")
    assert code(zeph.delete(ME)) == (415, "unsupported_media_type")
    assert code(zeph.delete(ME, {"password": "wrong-password"})) == (403, "invalid_password")
    assert code(zeph.delete(ME, {"code": "000000"})) == (401, "invalid_otp")
    assert code(zeph.delete(ME, {"password": PASSWORD, "force": True})) == (422, "validation_failed")
    with app.app_context():
        store_code(MOBILE, "123456")
        db.session.commit()
    assert zeph.get(ME).status_code == 200
    assert zeph.delete(ME, {"code": "123456"}).status_code == 204
    with app.app_context():
        assert db.session.scalars(select(OtpCode)).all() == []


def test_a_user_without_password_and_number_has_to_set_one(make: Factory) -> None:
    ann = make.client()
    for body in ({"password": "anything"}, {"code": "123456"}):
        assert code(ann.delete(ME, body)) == (422, "validation_failed")


def test_an_api_token_cannot_erase_or_export(app: Flask, zeph: Client) -> None:
    token = zeph.post("/api/auth/tokens", {"name": "x"}).json["token"]
    assert code(Client(app, token).delete(ME, {"password": PASSWORD})) == (403, "reauthentication_required")
    assert code(Client(app, token).get("/api/users/me/export")) == (403, "reauthentication_required")


def test_the_last_superuser_is_not_erased(app: Flask, make: Factory) -> None:
    root = make.client(make.user(is_superuser=True, hashed_password=hash_password(PASSWORD)))
    assert code(erase(root)) == (409, "last_superuser")
    make.user(is_superuser=True)
    assert erase(root).status_code == 204


def test_a_direct_conversation_of_two_erased_users_is_deleted(app: Flask, make: Factory) -> None:
    pair = [make.client(make.user(hashed_password=hash_password(PASSWORD))) for _ in range(2)]
    pair[0].post("/api/chat/send", {"content": "between us", "recipient_id": pair[1].user.id})
    for client in pair:
        assert erase(client).status_code == 204
    assert "between us" not in dump(app)


def test_an_erased_user_gets_no_messages(make: Factory, zeph: Client) -> None:
    ann, zid = make.client(), zeph.user.id  # type: ignore[attr-defined]
    ann.post("/api/chat/send", {"content": "x", "recipient_id": zid})
    assert erase(zeph).status_code == 204
    assert code(ann.post("/api/chat/send", {"content": "x", "recipient_id": zid})) == (404, "not_found")
    ghosts = [c for c in ann.get("/api/chat/conversations").json if c["kind"] == "dm"]
    assert ghosts[0]["user"]["full_name"] == "Deleted user"


def test_an_interrupted_erasure_is_finished(app: Flask, make: Factory, zeph: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("backend.messages.anonymise.BATCH", 2)
    monkeypatch.setattr("backend.accounts.erasure.SECONDS_IN_REQUEST", 0)
    for n in range(5):
        zeph.post("/api/chat/send", {"content": f"{n}"})
    zid = zeph.user.id  # type: ignore[attr-defined]
    assert erase(zeph).status_code == 204
    with app.app_context():
        assert list_unfinished() == [zid]
    result = app.test_cli_runner().invoke(args=["users", "purge"])
    assert result.output == "finished 1 erasures\n"
    with app.app_context():
        assert list_unfinished() == []
        senders = set(db.session.scalars(select(Message.sender_id)))
    assert zid not in senders
    assert len(senders) == 1


def test_a_failure_is_logged_and_the_erasure_is_repeated(
    app: Flask, make: Factory, zeph: Client, monkeypatch: Any
) -> None:
    from backend.storage import StorageAway

    def away(*_: Any) -> None:
        raise StorageAway

    zid = zeph.user.id  # type: ignore[attr-defined]
    zeph.post("/api/chat/send", {"content": "x"})
    with monkeypatch.context() as patched:
        patched.setattr("backend.accounts.erasure.anonymise_messages", away)
        assert erase(zeph).status_code == 204
    with app.app_context():
        assert list_unfinished() == [zid]
        assert finish(zid)
        assert list_unfinished() == []
