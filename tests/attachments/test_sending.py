"""Messages with attachments: which files a user may send, how messages show them, and when they are deleted."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import update

from backend.conversations.references import resolve_conversation
from backend.errors import NotFound
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.messages.validation import AttachmentSent
from backend.models import Attachment
from backend.storage import Storage, StorageAway
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import code, keys, picture, rows, send, uploaded
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries
from tests.races import at_once, hold_row


def test_a_message_shows_its_files_in_the_order_of_the_request(make: Factory, folder: FolderStorage) -> None:
    ann, bob = make.client(), make.client()
    room = make.room(ann, "room", bob)
    files = [uploaded(ann, picture(), "b.png"), uploaded(ann, b"text", "a.txt"), uploaded(ann, b"more", "c.txt")]
    wanted = [files[1], files[2], files[0]]
    sent = send(ann, room_id=room["id"], content=" ", attachment_ids=[file["id"] for file in wanted])
    assert (sent["attachments"], sent["content"]) == (wanted, " ")
    assert bob.get(f"/api/chat/messages/{sent['id']}").json["attachments"] == wanted
    assert bob.get(f"/api/rooms/{room['id']}/messages").json[0]["attachments"] == wanted
    synced = bob.post("/api/chat/sync", {"conversations": {}}).json["conversations"]
    [own] = [each for each in synced if each["id"] == room["conversation_id"]]
    assert own["messages"][0]["attachments"] == wanted
    assert bob.get(files[0]["thumbnail_url"]).status_code == 200
    assert send(ann, room_id=room["id"], content=None, attachment_ids=[uploaded(ann)["id"]])["content"] == ""


def test_search_finds_filenames(make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    message = send(ann, attachment_ids=[uploaded(ann, name="Jahresbericht.txt")["id"]])
    for query in ("q=jahresbericht", "q=hello&has=attachment"):
        assert [found["id"] for found in ann.get(f"/api/chat/search?{query}").json] == [message["id"]]
    assert ann.delete(f"/api/chat/messages/{message['id']}?hard=true").status_code == 204
    assert ann.get("/api/chat/search?q=jahresbericht").json == []


def test_a_page_takes_a_constant_number_of_queries(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    room = make.room(ann)
    counts = []
    for _ in range(3):
        for _ in range(4):
            send(ann, room_id=room["id"], attachment_ids=[uploaded(ann)["id"], uploaded(ann)["id"]])
        with count_queries(app) as queries:
            assert all(len(m["attachments"]) == 2 for m in ann.get(f"/api/rooms/{room['id']}/messages").json)
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2]


def test_only_own_unsent_files_can_be_sent(make: Factory, folder: FolderStorage) -> None:
    ann, bob = make.client(), make.client()
    own, foreign = uploaded(ann)["id"], uploaded(bob)["id"]
    for ids in ([foreign], [own, foreign], [2**63 - 1]):
        assert code(ann.post("/api/chat/send", {"content": "x", "attachment_ids": ids})) == (404, "not_found")
    send(ann, attachment_ids=[own])
    again = ann.post("/api/chat/send", {"content": "x", "attachment_ids": [own]})
    assert code(again) == (422, "validation_failed")
    assert "sent before" in again.json["errors"]["attachment_ids"][0]
    assert bob.get("/api/chat/messages").json[0]["attachments"][0]["id"] == own
    assert len(bob.get("/api/chat/messages").json) == 1, "no message was sent without its files"
    send(bob, attachment_ids=[foreign])


def test_invalid_attachment_ids_are_refused(make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    one = uploaded(ann)["id"]
    for ids in ([one, one], [0], ["x"], [True], "1", 1, [one] * 11, list(range(1, 12)), [2**63], [[]], {}):
        answer = ann.post("/api/chat/send", {"content": "x", "attachment_ids": ids})
        assert code(answer) == (422, "validation_failed"), ids
    for body in ({"content": ""}, {"content": " ", "attachment_ids": []}, {"attachment_ids": []}, {}):
        assert code(ann.post("/api/chat/send", body)) == (422, "validation_failed")
    ten = [uploaded(ann)["id"] for _ in range(9)] + [one]
    assert [each["id"] for each in send(ann, attachment_ids=ten)["attachments"]] == ten


def test_a_repeated_send_has_the_same_files(make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    first, second = uploaded(ann)["id"], uploaded(ann)["id"]
    body = {"content": "x", "client_message_id": "k", "attachment_ids": [first]}
    sent = ann.post("/api/chat/send", body)
    again = ann.post("/api/chat/send", body)
    assert (sent.status_code, again.status_code, again.json) == (201, 200, sent.json)
    for other in ([], [second], [first, second]):
        answer = ann.post("/api/chat/send", body | {"attachment_ids": other})
        assert code(answer) == (409, "idempotency_conflict")
    send(ann, attachment_ids=[second])


def test_a_repeat_shows_files_and_mentions_to_a_former_member(make: Factory, folder: FolderStorage) -> None:
    """They are part of the first state, and no change that others make afterwards. The files themselves are not served."""
    owner, member = make.client(), make.client()
    room = make.room(owner, "room", member, is_public=False)
    files = [uploaded(member, picture(), "a.png"), uploaded(member)]
    content = f"@{owner.user.username}, look"  # type: ignore[attr-defined]
    body = {"room_id": room["id"], "content": content, "client_message_id": "k"}
    body |= {"attachment_ids": [file["id"] for file in files]}
    first = member.post("/api/chat/send", body).json
    assert [each["filename"] for each in first["attachments"]] == ["a.png", "notes.txt"]
    assert first["mentions"] == [owner.user.id]  # type: ignore[attr-defined]
    assert owner.delete(f"/api/rooms/{room['id']}/members/{member.user.id}").status_code < 300  # type: ignore[attr-defined]
    path = f"/api/chat/messages/{first['id']}"
    assert [owner.put(f"{path}/{change}").status_code for change in ("reactions/👍", "pin")] == [200, 200]
    again = member.post("/api/chat/send", body)
    assert (again.status_code, again.json) == (200, first | {"modseq": first["seq"]})
    assert member.get(path).status_code == 404
    assert [member.get(file["url"]).status_code for file in files] == [404, 404]
    assert owner.delete(path).status_code == 204
    again = member.post("/api/chat/send", body)
    left = {"modseq": first["seq"], "attachments": [], "mentions": []}
    assert (again.status_code, again.json) == (200, first | left), "a deletion leaves no trace of files"


def test_concurrent_sends_cannot_share_a_file(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    rooms = [make.room(ann)["id"] for _ in range(4)]
    ids = [uploaded(ann)["id"], uploaded(ann)["id"]]

    def send_in(room_id: int, ids: list[int]) -> int:
        body = {"content": "x", "room_id": room_id, "attachment_ids": ids}
        return Client(app, ann.token).post("/api/chat/send", body).status_code

    statuses = at_once([lambda r=r, i=i: send_in(r, ids[::i]) for r, i in zip(rooms, (1, -1, 1, -1), strict=True)])  # type: ignore[misc]
    assert sorted(statuses) == [201, 422, 422, 422]
    shown = [m["attachments"] for r in rooms for m in ann.get(f"/api/rooms/{r}/messages").json]
    assert [len(each) for each in shown] == [2]


@pytest.mark.parametrize(("other", "expected"), [("send", (422, "validation_failed")), ("sweep", (404, "not_found"))])
def test_a_send_decides_under_the_lock_of_its_file(
    app: Flask, make: Factory, folder: FolderStorage, other: str, expected: tuple[int, str]
) -> None:
    """Another worker sends the file, or removes it, at the same moment."""
    ann = make.client()
    file, first = uploaded(ann)["id"], send(ann)["id"]
    values = {"message_id": first, "position": 0} if other == "send" else {"state": "removed"}
    with hold_row(app, Attachment, id=file) as held:
        body = {"content": "x", "attachment_ids": [file]}
        answer = held.start(lambda: Client(app, ann.token).post("/api/chat/send", body))
        held.wait_until_blocked()
        held.execute(update(Attachment).where(Attachment.id == file).values(values))
    assert code(answer.result()) == expected
    assert [m["id"] for m in ann.get("/api/chat/messages").json] == [first]


def test_sends_of_one_batch_cannot_share_a_file(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    file = uploaded(ann)["id"]
    user_id = ann.user.id  # type: ignore[attr-defined]
    with app.test_request_context():
        place = resolve_conversation(user_id, "lobby")
        first, second = append_messages([Draft(user_id, place, "x", attachment_ids=(file,)) for _ in range(2)])
    assert isinstance(first, Sent)
    assert isinstance(second, AttachmentSent)
    assert len(ann.get("/api/chat/messages").json) == 1


def test_a_file_of_another_sender_of_the_batch_cannot_be_sent(app: Flask, make: Factory, folder: FolderStorage) -> None:
    """The files of all senders of a batch are read together."""
    ann, bob = make.client(), make.client()
    own, other = uploaded(bob)["id"], uploaded(bob)["id"]
    with app.test_request_context():
        drafts = [
            Draft(client.user.id, resolve_conversation(client.user.id, "lobby"), "x", attachment_ids=(file,))  # type: ignore[attr-defined]
            for client, file in ((bob, own), (ann, other))
        ]
        first, second = append_messages(drafts)
    assert isinstance(first, Sent)
    assert isinstance(second, NotFound)
    assert len(ann.get("/api/chat/messages").json) == 1


@pytest.mark.parametrize("query", ["", "?hard=true"])
def test_deleting_a_message_deletes_its_files(app: Flask, make: Factory, store: Storage, query: str) -> None:
    ann, bob = make.client(), make.client()
    files = [uploaded(ann, picture(), "a.png"), uploaded(ann)]
    kept = uploaded(ann, b"kept")
    sent = send(ann, attachment_ids=[file["id"] for file in files])
    link = bob.get(f"{files[0]['url']}/link").json["url"]
    assert Client(app).get(link).status_code == 200
    assert ann.delete(f"/api/chat/messages/{sent['id']}{query}").status_code == 204
    assert ann.get(f"/api/chat/messages/{sent['id']}").json["attachments"] == []
    assert code(Client(app).get(link)) == (404, "not_found")
    for file in files:
        assert code(ann.get(file["url"])) == (404, "not_found")
    [row] = rows(app)
    assert row.id == kept["id"]
    assert keys(store) == [row.storage_key]


def test_a_message_can_be_deleted_while_the_storage_is_unavailable(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    file = uploaded(ann, name="secret plan.txt")
    sent = send(ann, attachment_ids=[file["id"]])

    def away(*_: object) -> None:
        raise StorageAway

    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "delete", away)
        assert ann.delete(f"/api/chat/messages/{sent['id']}?hard=true").status_code == 204
    assert code(ann.get(file["url"])) == (404, "not_found")
    [row] = rows(app)
    assert (row.state, row.filename, row.message_id) == ("removed", "", None)
    other = send(ann, attachment_ids=[uploaded(ann)["id"]])
    assert ann.delete(f"/api/chat/messages/{other['id']}").status_code == 204
    assert (rows(app), keys(folder)) == ([], []), "the next removal deletes the remaining files"


@pytest.mark.parametrize("query", ["", "?hard=true"])
def test_marked_files_are_looked_for_only_after_the_deletion_of_a_message_with_files(
    app: Flask, make: Factory, folder: FolderStorage, query: str
) -> None:
    ann = make.client()
    plain, rich = send(ann), send(ann, attachment_ids=[uploaded(ann)["id"]])
    looks = []
    for message in (plain, rich):
        with count_queries(app) as queries:
            assert ann.delete(f"/api/chat/messages/{message['id']}{query}").status_code == 204
        looks.append(any("attachments.storage_key" in each and "state = " in each for each in queries))
    assert looks == [False, True]
    assert (rows(app), keys(folder)) == ([], [])


def test_a_hard_deletion_removes_files_that_a_soft_one_could_not(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    sent = send(ann, attachment_ids=[uploaded(ann)["id"]])

    def away(*_: object) -> None:
        raise StorageAway

    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "delete", away)
        assert ann.delete(f"/api/chat/messages/{sent['id']}").status_code == 204
    assert len(keys(folder)) == 1
    assert ann.delete(f"/api/chat/messages/{sent['id']}?hard=true").status_code == 204
    assert (rows(app), keys(folder)) == ([], [])


def test_deleting_a_room_deletes_its_files(app: Flask, make: Factory, store: Storage) -> None:
    ann = make.client()
    room = make.room(ann)
    send(ann, room_id=room["id"], attachment_ids=[uploaded(ann, picture(), "a.png")["id"]])
    assert len(keys(store)) == 2
    assert ann.delete(f"/api/rooms/{room['id']}").status_code == 204
    assert (rows(app), keys(store)) == ([], [])


def test_an_edit_to_blank_content_keeps_the_files(make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    sent = send(ann, attachment_ids=[uploaded(ann)["id"]])
    edited = ann.patch(f"/api/chat/messages/{sent['id']}", {"content": ""})
    assert (edited.status_code, edited.json["attachments"]) == (200, sent["attachments"])
