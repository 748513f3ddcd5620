"""Downloads: permissions, ranges, filenames, and the policy for browsers."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.messages.attachments import get_file
from backend.models import Attachment, User
from backend.models.base import db
from backend.storage import Storage
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import PATH, add_to_message, code, picture, upload, uploaded
from tests.factories import Factory

DATA = os.urandom(1000)


def test_only_the_uploader_may_see_an_unsent_file(make: Factory, store: Storage) -> None:
    ann, root = make.client(), make.client(make.user(is_superuser=True))
    url = uploaded(ann)["url"]
    assert ann.get(url).data == b"hello"
    for other in (make.client(), root):
        assert code(other.get(url)) == code(other.get(f"{url}/link")) == (404, "not_found")


def test_readers_of_a_message_may_see_its_files(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann, bob, eve = make.client(), make.client(), make.client()
    room = make.room(ann, "private", bob, is_public=False)
    public = make.room(ann, "public")
    for place, readers, others in (
        ({"room_id": room["id"]}, [ann, bob], [eve]),
        ({"room_id": public["id"]}, [ann], [bob, eve]),
        ({"recipient_id": bob.user.id}, [ann, bob], [eve]),  # type: ignore[attr-defined]
        ({}, [ann, bob, eve], []),
    ):
        sent = ann.post("/api/chat/send", {"content": "see", **place}).json
        attachment = uploaded(ann, picture(), "a.png")
        add_to_message(app, attachment["id"], sent["id"])
        for url in (attachment["url"], attachment["thumbnail_url"]):
            assert [who.get(url).status_code for who in readers] == [200] * len(readers)
            assert [who.get(url).status_code for who in others] == [404] * len(others)
        if place.get("room_id") == room["id"]:
            in_room = attachment["url"]
    assert bob.post(f"/api/rooms/{room['id']}/leave").status_code == 204
    assert code(bob.get(in_room)) == (404, "not_found"), "a former member may no longer see it"


@pytest.mark.parametrize("is_thumbnail", [False, True])
def test_a_file_is_read_without_a_connection_to_the_database(
    app: Flask, make: Factory, folder: FolderStorage, is_thumbnail: bool
) -> None:
    """The disk may be slow, and the pool is small."""
    ann = make.client()
    attachment = uploaded(ann, picture(), "a.png")
    with app.app_context():
        user = db.session.get_one(User, ann.user.id)  # type: ignore[attr-defined]
        assert db.session().in_transaction()
        file = get_file(user, attachment["id"], is_thumbnail)
        assert not db.session().in_transaction()
    assert (file.content_type, file.is_inline) == ("image/webp" if is_thumbnail else "image/png", True)


def test_an_unknown_attachment_is_not_found(make: Factory) -> None:
    ann = make.client()
    for number in (1, 2**63 - 1, 2**63, "x"):
        assert code(ann.get(f"{PATH}/{number}")) == (404, "not_found")
    assert code(ann.get(f"{PATH}/1?thumbnail=2")) == (422, "validation_failed")


def test_a_missing_file_is_not_found(make: Factory, store: Storage) -> None:
    ann = make.client()
    attachment = uploaded(ann)
    [day] = store.folders("attachments")
    [[file]] = store.files(f"attachments/{day}")
    store.delete(file.key)
    assert code(ann.get(attachment["url"])) == (404, "not_found")


def test_the_whole_file(make: Factory, store: Storage) -> None:
    ann = make.client()
    url = uploaded(ann, DATA, "a.bin")["url"]
    got = ann.get(url)
    assert (got.status_code, got.data, got.content_length) == (200, DATA, 1000)
    assert got.headers["Accept-Ranges"] == "bytes"
    assert got.headers["Cache-Control"] == "private, no-cache"
    assert got.headers["ETag"].startswith('"')
    head = ann.request("HEAD", url)
    assert (head.status_code, head.data) == (200, b"")
    same = ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]
    assert ann.request("HEAD", url, headers={"Range": "bytes=0-1"}).status_code == 200, "HEAD ignores Range"


@pytest.mark.parametrize("name", ["url", "thumbnail_url"])
def test_the_storage_is_not_asked_for_a_recorded_size(
    make: Factory, store: Storage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """In a bucket that would be another request for each download."""
    ann = make.client()
    url = uploaded(ann, picture(), "a.png")[name]
    asked: list[str] = []
    monkeypatch.setattr(store, "size", asked.append)
    got = ann.get(url)
    assert (got.status_code, got.content_length) == (200, len(got.data))
    assert asked == []


def test_a_thumbnail_whose_size_was_not_recorded_has_a_length(app: Flask, make: Factory, store: Storage) -> None:
    """Those of earlier versions."""
    ann = make.client()
    attachment = uploaded(ann, picture(), "a.png")
    with app.app_context():
        db.session.execute(update(Attachment).values(thumbnail_size=None))
        db.session.commit()
    got = ann.get(attachment["thumbnail_url"])
    assert (got.status_code, got.content_length) == (200, len(got.data))


RANGES = [
    ("bytes=0-0", 206, 0, 1),
    ("bytes=10-19", 206, 10, 20),
    ("bytes=990-2000", 206, 990, 1000),
    ("bytes=500-", 206, 500, 1000),
    ("bytes=-1", 206, 999, 1000),
    ("bytes=-5000", 206, 0, 1000),
    ("bytes=0-", 206, 0, 1000),
    ("bytes=0-1,5-9", 200, 0, 1000),
    ("bytes=9-5", 200, 0, 1000),
    ("bytes=a-b", 200, 0, 1000),
    ("lines=0-1", 200, 0, 1000),
    ("bytes", 200, 0, 1000),
    ("bytes=1000-", 416, 0, 0),
    ("bytes=99999999999999999999-", 416, 0, 0),
]
"""A header, the status, and the start and the end of the bytes that are answered."""


def test_ranges(make: Factory, store: Storage) -> None:
    ann = make.client()
    url = uploaded(ann, DATA, "a.bin")["url"]
    for wanted, status, start, stop in RANGES:
        got = ann.get(url, headers={"Range": wanted})
        assert got.status_code == status, wanted
        if status == 416:
            assert got.headers["Content-Range"] == "bytes */1000", wanted
            assert got.json["code"] == "range_not_satisfiable", wanted
            continue
        assert got.data == DATA[start:stop], wanted
        assert got.content_length == stop - start, wanted
        shown = f"bytes {start}-{stop - 1}/1000" if status == 206 else None
        assert got.headers.get("Content-Range") == shown, wanted


def test_conditional_requests(make: Factory, store: Storage) -> None:
    ann = make.client()
    url = uploaded(ann, DATA, "a.bin")["url"]
    first = ann.get(url)
    etag, date = first.headers["ETag"], first.headers["Last-Modified"]

    def ask(**headers: str) -> Any:
        return ann.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})

    same = ask(If_None_Match=etag)
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", etag)
    assert ask(If_None_Match=f'"x", {etag}').status_code == 304
    assert ask(If_None_Match=etag, Range="bytes=0-1").status_code == 304, "conditions are checked before Range"
    assert ask(If_None_Match='"x"').status_code == 200
    assert ask(If_Modified_Since=date).status_code == 304
    assert ask(If_Match='"x"').status_code == 412
    assert ask(If_Match=etag).status_code == 200
    assert ask(If_Match="*").status_code == 200
    assert ask(If_Range=etag, Range="bytes=0-1").status_code == 206
    assert ask(If_Range=date, Range="bytes=0-1").status_code == 206
    other = ask(If_Range='"x"', Range="bytes=0-1")
    assert (other.status_code, other.data) == (200, DATA)


@pytest.mark.parametrize("headers", [{"If-None-Match": "\xff"}, {"Range": "bytes=\u00e9"}, {"If-Range": '"'}])
def test_malformed_headers_are_ignored(make: Factory, folder: FolderStorage, headers: dict[str, str]) -> None:
    ann = make.client()
    assert ann.get(uploaded(ann)["url"], headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("notes.txt", "attachment; filename=\"notes.txt\"; filename*=UTF-8''notes.txt"),
        ("Résumé 100%.txt", "attachment; filename=\"Resume 100_.txt\"; filename*=UTF-8''R%C3%A9sum%C3%A9%20100%25.txt"),
        ('a";x=".txt', "attachment; filename=\"a_;x=_.txt\"; filename*=UTF-8''a%22%3Bx%3D%22.txt"),
        ("写真", "attachment; filename=\"file\"; filename*=UTF-8''%E5%86%99%E7%9C%9F"),
    ],
)
def test_filenames_follow_rfc_6266(make: Factory, folder: FolderStorage, name: str, header: str) -> None:
    ann = make.client()
    answer = upload(ann, b"hello", name)
    assert answer.json["filename"] == name
    assert ann.get(answer.json["url"]).headers["Content-Disposition"] == header


MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(64)
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + bytes(64)


@pytest.mark.parametrize(
    ("data", "content_type", "shown"),
    [
        (picture(), "image/png", "inline"),
        (picture(kind="JPEG"), "image/jpeg", "inline"),
        (picture(kind="GIF"), "image/gif", "inline"),
        (picture(kind="WEBP"), "image/webp", "inline"),
        (picture(kind="BMP"), "image/bmp", "attachment"),
        (picture(kind="TIFF"), "image/tiff", "attachment"),
        (MP4, "video/mp4", "inline"),
        (WEBM, "video/webm", "inline"),
        (b"ID3\x03" + bytes(64), "audio/mpeg", "inline"),
        (b"OggS" + b"\xff" * 64, "audio/ogg", "inline"),
        (b"RIFF\x24\0\0\0WAVEfmt " + b"\xff" * 64, "audio/wav", "inline"),
        (b"fLaC" + b"\xff" * 64, "audio/flac", "inline"),
        (b"%PDF-1.4 \xff", "application/pdf", "attachment"),
        (b"plain text", "text/plain", "attachment"),
        (b"MZ\x90\0" + b"\xff" * 64, "application/x-msdownload", "attachment"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_only_safe_types_are_inline(
    make: Factory, folder: FolderStorage, data: bytes, content_type: str, shown: str
) -> None:
    ann = make.client()
    answer = upload(ann, data, "x")
    assert answer.json["content_type"] == content_type
    got = ann.get(answer.json["url"])
    assert got.mimetype == content_type
    assert got.headers["Content-Disposition"].partition(";")[0] == shown
    policy = got.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'"} <= set(policy)
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert content_type != "text/plain" or got.headers["Content-Type"] == "text/plain; charset=utf-8"
