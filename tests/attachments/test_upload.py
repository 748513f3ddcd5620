"""Uploads: what is stored, which properties are determined, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.attachments.filenames import clean_filename
from backend.attachments.sniffing import sniff
from backend.models import User
from backend.models.base import db
from backend.storage import Storage, StorageAway
from backend.storage.folder import FolderStorage
from backend.threadpool import DISK
from tests.attachments.conftest import PATH, code, keys, picture, rows, upload, uploaded
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once
from tests.users.test_avatars import bomb

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.domain)</script>"


def test_a_file_is_stored_unchanged(app: Flask, make: Factory, store: Storage) -> None:
    ann, data = make.client(), os.urandom(700_000)
    answer = upload(ann, data, "Résumé.bin")
    assert answer.status_code == 201
    number = answer.json["id"]
    assert answer.json == {
        "id": number,
        "filename": "Résumé.bin",
        "content_type": "application/octet-stream",
        "size": len(data),
        "width": None,
        "height": None,
        "url": f"{PATH}/{number}",
        "thumbnail_url": None,
    }
    assert ann.get(answer.json["url"]).data == data
    [row] = rows(app)
    assert (row.state, row.user_id, row.message_id) == ("ready", ann.user.id, None)  # type: ignore[attr-defined]
    assert keys(store) == [row.storage_key]


def test_an_image_has_dimensions_and_a_thumbnail(app: Flask, make: Factory, store: Storage) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    exif[0x010E] = "taken at home"
    data = picture((1200, 600), "JPEG", exif=exif)
    ann = make.client()
    answer = uploaded(ann, data, "a.jpg")
    assert (answer["width"], answer["height"], answer["content_type"]) == (600, 1200, "image/jpeg")
    assert answer["thumbnail_url"] == f"{answer['url']}?thumbnail=true"
    small = ann.get(answer["thumbnail_url"])
    assert (small.status_code, small.mimetype) == (200, "image/webp")
    shown = Image.open(BytesIO(small.data))
    assert (shown.size, shown.format) == ((256, 512), "WEBP")
    assert not shown.getexif()
    assert b"taken at home" not in small.data
    assert ann.get(answer["url"]).data == data
    assert len(keys(store)) == 2
    assert rows(app)[0].thumbnail_size == len(small.data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "JPEG"])
def test_a_small_image_is_not_enlarged(make: Factory, folder: FolderStorage, kind: str) -> None:
    ann = make.client()
    answer = uploaded(ann, picture((40, 30), kind), "a")
    assert (answer["width"], answer["height"]) == (40, 30)
    assert Image.open(BytesIO(ann.get(answer["thumbnail_url"]).data)).size == (40, 30)


def zipped() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "a")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        pytest.param(bomb(50_000, 50_000), "image/png", id="pixel bomb"),
        pytest.param(picture((600, 600), "JPEG")[:900], "image/jpeg", id="truncated jpeg"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\xff" * 99, "image/png", id="noise"),
        pytest.param(SVG, "text/plain", id="svg"),
        pytest.param(HTML, "text/plain", id="html"),
        pytest.param(zipped(), "application/zip", id="zip"),
        pytest.param("BM: a text that begins like a picture é".encode(), "text/plain", id="text"),
        pytest.param(b"%PDF-1.7\n%", "application/pdf", id="pdf"),
        pytest.param(b"\x00", "application/octet-stream", id="nul"),
        pytest.param(b"x" * 8191 + "é".encode(), "text/plain", id="cut character"),
    ],
)
def test_a_file_that_is_not_a_valid_image_is_a_plain_file(
    make: Factory, folder: FolderStorage, data: bytes, content_type: str
) -> None:
    """The name from the client does not matter. The file has no thumbnail and no dimensions, and is a download."""
    ann = make.client()
    answer = upload(ann, data, "holiday.png")
    assert answer.status_code == 201
    assert answer.json["content_type"] == content_type
    assert [answer.json[name] for name in ("width", "height", "thumbnail_url")] == [None] * 3
    got = ann.get(answer.json["url"])
    assert got.data == data
    assert got.mimetype == content_type
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert code(ann.get(f"{answer.json['url']}?thumbnail=true")) == (404, "not_found")


def test_the_content_type_from_the_client_is_ignored(make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    form = {"file": (BytesIO(HTML), "x.html", "text/html")}
    answer = ann.post(PATH, data=form, content_type="multipart/form-data")
    assert answer.json["content_type"] == "text/plain"


@given(st.binary(max_size=600))
def test_any_bytes_have_a_content_type(head: bytes) -> None:
    for prefix in (b"", b"\x00\x00\x00\x18ftyp", b"RIFF\0\0\0\0", b"PK\x03\x04", b"\x1aE\xdf\xa3", b"ID3"):
        assert sniff(prefix + head).count("/") == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\plan.doc", "plan.doc"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        ("gpj.\u202eexe.png", "gpj.exe.png"),
        ("\u2066a\u2069.txt", "a.txt"),
        ("a\0b", "ab"),
        ("..", "file"),
        ("dir/", "file"),
        ("\u200b\u3164", "file"),
        ("", "file"),
        (None, "file"),
        (" x. ", "x"),
        ("é" * 200 + ".jpeg", "é" * 125 + ".jpeg"),
        ("x" * 300, "x" * 255),
        ("👩‍👩‍👧.png", "👩‍👩‍👧.png"),
        ('"; drop', '"; drop'),
    ],
)
def test_filenames_are_one_line_without_a_path(given: str | None, kept: str) -> None:
    assert clean_filename(given) == kept
    assert clean_filename(kept) == kept


@given(st.text(max_size=400))
def test_any_filename_can_be_stored(name: str) -> None:
    kept = clean_filename(name)
    assert 0 < len(kept.encode()) <= 255
    assert kept.isprintable() or "\u200d" in kept or "\u200c" in kept or not kept.isascii()
    assert not set(kept) & set("/\\\n\r\0\u202e")


def test_a_malicious_filename_is_cleaned(make: Factory, folder: FolderStorage) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../\xe2\x80\xaegpj.exe"\r\n\r\nhello\r\n--x--\r\n'
    answer = make.client().post(PATH, data=body, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.json["filename"]) == (201, "gpj.exe")


def test_malformed_uploads_are_refused(app: Flask, make: Factory, store: Storage) -> None:
    ann = make.client()
    answer = upload(ann, b"", "empty.txt")
    assert code(answer) == (422, "validation_failed")
    assert answer.json["errors"] == {"file": ["The file is empty."]}
    assert code(ann.post(PATH, {"file": "x"})) == (415, "unsupported_media_type")
    assert code(ann.post(PATH)) == (415, "unsupported_media_type")
    more = {"file": (BytesIO(b"x"), "a"), "size": "3"}
    assert code(ann.post(PATH, data=more, content_type="multipart/form-data")) == (422, "validation_failed")
    assert code(ann.post(PATH, data={"file": "x"}, content_type="multipart/form-data")) == (422, "validation_failed")
    two = {"file": [(BytesIO(b"x"), "a"), (BytesIO(b"y"), "b")]}
    assert code(ann.post(PATH, data=two, content_type="multipart/form-data")) == (422, "validation_failed")
    assert (rows(app), keys(store)) == ([], [])


def test_a_file_that_is_too_large_is_refused(make: Factory, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    config = app.config["CONFAB"]
    monkeypatch.setitem(app.config, "CONFAB", replace(config, max_upload_bytes=2000))
    assert code(upload(make.client(), b"x" * 2001)) == (413, "payload_too_large")
    assert rows(app) == []


def test_a_form_with_many_files_is_refused_before_all_are_open(make: Factory, folder: FolderStorage) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
    answer = make.client().post(PATH, data=part * 11 + b"--x--\r\n", content_type="multipart/form-data; boundary=x")
    assert code(answer) == (413, "payload_too_large")


def test_the_quota_is_exact(app: Flask, make: Factory, store: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "CONFAB", replace(app.config["CONFAB"], upload_quota_bytes=1000))
    ann, bob = make.client(), make.client()
    assert upload(ann, b"x" * 600).status_code == 201
    answer = upload(ann, b"x" * 401)
    assert code(answer) == (507, "quota_exceeded")
    assert "quota" in answer.json["detail"]
    assert upload(bob, b"x" * 1000).status_code == 201, "each user has a separate quota"
    assert upload(ann, b"x" * 400).status_code == 201
    assert code(upload(ann, b"x")) == (507, "quota_exceeded")
    assert len(rows(app)) == len(keys(store)) == 3


def test_concurrent_uploads_do_not_exceed_the_quota(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "CONFAB", replace(app.config["CONFAB"], upload_quota_bytes=1000))
    ann = make.client()
    answers = at_once([lambda: upload(Client(app, ann.token), b"x" * 300) for _ in range(8)])
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [507] * 5
    assert len(keys(folder)) == 3


def test_quota_0_means_no_limit(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "CONFAB", replace(app.config["CONFAB"], upload_quota_bytes=0))
    assert upload(make.client(), b"x" * 3000).status_code == 201


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_loses_no_data_and_leaves_no_remains(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    kept = uploaded(ann, b"before")
    before = rows(app), keys(folder)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        for data in (b"x" * 5000, picture()):
            assert code(upload(ann, data)) == (507, "insufficient_storage")
    assert (rows(app), keys(folder)) == before
    assert [path.name for path in folder.root.iterdir()] == ["attachments"], "no incomplete file remains"
    assert ann.get(kept["url"]).data == b"before"
    assert upload(ann, b"after").status_code == 201


def test_a_disk_that_becomes_full_during_the_request(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DISK, "run", full)
    ann = make.client()
    for data in (b"x", b"x" * 2_000_000):
        assert code(upload(ann, data)) == (507, "insufficient_storage")
    assert rows(app) == []


def test_an_unavailable_storage(app: Flask, make: Factory, store: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make.client()
    real = type(store).write

    def away(self: Any, key: str, source: Any) -> int:
        if key.endswith(".webp"):
            raise StorageAway
        return int(real(self, key, source))

    monkeypatch.setattr(type(store), "write", away)
    answer = upload(ann, picture())
    assert code(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert (rows(app), keys(store)) == ([], []), "the image is deleted if its thumbnail cannot be stored"


def test_an_upload_of_an_account_erased_meanwhile_is_removed(
    app: Flask, make: Factory, store: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, real = make.client(), type(store).write

    def write_then_erase(self: Any, key: str, source: Any) -> int:
        size = int(real(self, key, source))
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(db.text("DELETE FROM attachments"))
        return size

    monkeypatch.setattr(type(store), "write", write_then_erase)
    assert code(upload(ann, b"x")) == (401, "token_revoked")
    assert keys(store) == []
    with app.app_context():
        db.session.execute(db.update(User).values(is_active=False))
        db.session.commit()
    assert upload(ann, b"x").status_code == 401


def test_a_large_file_is_stored_in_the_bucket_in_parts(app: Flask, make: Factory, store: Storage) -> None:
    ann, data = make.client(), os.urandom(11 * 2**20)
    answer = uploaded(ann, data, "large")
    assert answer["size"] == len(data)
    got = ann.get(answer["url"], headers={"Range": "bytes=5242870-5242890"})
    assert got.data == data[5242870:5242891]
    assert ann.get(answer["url"]).data == data
    assert json.dumps(keys(store)).count("attachments/") == 1
