"""Avatars: accepted uploads, what is stored, and refusals before anything is decoded."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from backend.models import User
from backend.models.base import db
from backend.storage import StorageAway
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once
from tests.stored import empty_storage, files

MINE = "/api/users/me/avatar"


def picture(size: tuple[int, int] = (800, 600), kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    out = BytesIO()
    Image.new(mode, size, "red" if mode != "P" else 3).save(out, kind, **options)
    return out.getvalue()


def put(client: Client, data: bytes, name: str = "file", **fields: Any) -> Any:
    return client.put(MINE, data={name: (BytesIO(data), "me.png"), **fields}, content_type="multipart/form-data")


@pytest.fixture(autouse=True)
def _empty(app: Flask) -> None:
    empty_storage(app)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("GIF", "P")]
)
def test_every_format_becomes_a_square(app: Flask, make: Factory, kind: str, mode: str) -> None:
    ann = make.client()
    answer = put(ann, picture(kind=kind, mode=mode))
    assert answer.status_code == 200, answer.json
    url = answer.json["avatar_url"]
    got = make.client().get(url)
    assert (got.status_code, got.mimetype) == (200, "image/webp")
    kept = Image.open(BytesIO(got.data))
    assert (kept.size, kept.format) == ((512, 512), "WEBP")
    assert got.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    etag = got.headers["ETag"]
    assert ann.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert ann.get(url.partition("?")[0]).headers["Cache-Control"] == "private, no-cache"
    assert len(files(app)) == 1
    assert oct(files(app)[0].stat().st_mode)[-3:] == "600"


def test_metadata_and_trailing_bytes_are_removed_and_the_orientation_is_applied(make: Factory) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the orientation: rotated by 90 degrees
    exif[0x010E] = "taken at home"
    raw = picture((300, 200), "JPEG", exif=exif) + b"<script>alert(1)</script>"
    image = Image.open(BytesIO(raw))
    image.paste("blue", (0, 0, 300, 20))
    out = BytesIO()
    image.save(out, "JPEG", exif=exif)
    ann = make.client()
    got = ann.get(put(ann, out.getvalue() + b"<script>").json["avatar_url"]).data
    assert b"taken at home" not in got
    assert b"script" not in got
    kept = Image.open(BytesIO(got))
    assert kept.size == (200, 200)
    assert not kept.getexif()
    red, _, blue = kept.convert("RGB").getpixel((195, 100))
    assert blue > red, "the top of a picture on its side is its right"


def test_a_small_image_is_not_enlarged(make: Factory) -> None:
    ann = make.client()
    assert Image.open(BytesIO(ann.get(put(ann, picture((40, 30))).json["avatar_url"]).data)).size == (30, 30)


def test_a_new_avatar_has_a_new_url_and_the_old_file_is_deleted(app: Flask, make: Factory) -> None:
    ann = make.client()
    first = put(ann, picture()).json["avatar_url"]
    second = put(ann, picture((90, 90))).json["avatar_url"]
    assert first != second
    assert len(files(app)) == 1
    assert ann.delete(MINE).status_code == ann.delete(MINE).status_code == 204
    assert files(app) == []
    assert ann.get("/api/users/me").json["avatar_url"] is None
    assert code(ann.get(second)) == (404, "not_found")


def test_concurrent_uploads_leave_one_file(app: Flask, make: Factory) -> None:
    ann = make.client()
    answers = at_once([lambda: put(Client(app, ann.token), picture((50, 50))) for _ in range(6)])
    assert {a.status_code for a in answers} == {200}
    assert len(files(app)) == 1
    assert ann.get(ann.get("/api/users/me").json["avatar_url"]).status_code == 200


def decoded(*_: Any, **__: Any) -> None:
    raise AssertionError("it was decoded")


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header declares a huge image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(5001, 5000), (16_001, 1), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
def test_a_pixel_bomb_is_refused_from_its_header(
    make: Factory, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image.Image, "convert", decoded)
    answer = put(make.client(), bomb(*size))
    assert code(answer) == (422, "validation_failed")
    assert "pixels" in answer.json["errors"]["file"][0]


@pytest.mark.parametrize(("kind", "width", "status"), [("WEBP", 4000, 200), ("WEBP", 4001, 422), ("JPEG", 4001, 200)])
def test_formats_that_are_decoded_whole_have_a_lower_limit(
    make: Factory, kind: str, width: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = picture((width, 4000), kind, **({"lossless": True} if kind == "WEBP" else {}))
    answer = put(make.client(), data)
    assert answer.status_code == status, answer.json


def webp_bomb(size: int) -> bytes:
    """An animated WebP whose header declares a canvas of *size* by *size*."""
    side = struct.pack("<I", size - 1)[:3]
    frame = picture((16, 16), "WEBP")[12:]
    frames = b"ANMF" + struct.pack("<I", 16 + len(frame)) + bytes(6) + b"\x0f\0\0" * 2 + bytes(4) + frame
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + side * 2 + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body + frames)) + body + frames


def test_a_refused_webp_reserves_no_memory(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow allocates the canvas as it opens the file, so the header must be checked before that."""
    from PIL import WebPImagePlugin

    assert put(make.client(), webp_bomb(400)).status_code == 200
    made = []
    monkeypatch.setattr(WebPImagePlugin._webp, "WebPAnimDecoder", made.append)
    answer = put(make.client(), webp_bomb(8000))
    assert (code(answer), made) == ((422, "validation_failed"), [])


def test_a_jpeg_with_too_many_scans_is_refused(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    data = picture((640, 480), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert put(make.client(), data).status_code == 200
    monkeypatch.setattr(Image.Image, "convert", decoded)
    many = data[:last] + data[last:-2] * 60 + data[-2:]
    assert code(put(make.client(), many)) == (415, "unsupported_image")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture()[:200],
        picture(kind="JPEG")[:300],
        picture(kind="WEBP")[:60],
        picture((60, 60), kind="TIFF"),
        picture((60, 60), kind="BMP"),
        b"GIF89a" + b"\xff" * 500,
    ],
    ids=["empty", "text", "svg", "cut png", "cut jpeg", "cut webp", "tiff", "bmp", "gif noise"],
)
def test_files_that_are_not_images_are_refused(app: Flask, make: Factory, data: bytes) -> None:
    ann = make.client()
    assert code(put(ann, data)) == (415, "unsupported_image")
    assert files(app) == []
    assert ann.get("/api/users/me").json["avatar_url"] is None


def test_bodies_that_are_not_uploads_are_refused(make: Factory) -> None:
    ann = make.client()
    assert code(ann.put(MINE, {"file": "x"})) == (415, "unsupported_media_type")
    assert code(ann.put(MINE)) == (415, "unsupported_media_type")
    assert code(put(ann, picture(), name="image")) == (422, "validation_failed")
    assert code(put(ann, picture(), is_superuser="true")) == (422, "validation_failed")
    assert code(ann.put(MINE, data={"file": "text"}, content_type="multipart/form-data")) == (422, "validation_failed")
    two = {"file": [(BytesIO(picture()), "a.png"), (BytesIO(picture()), "b.png")]}
    assert code(ann.put(MINE, data=two, content_type="multipart/form-data")) == (422, "validation_failed")
    many = b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(1100)) + b"--x--\r\n"
    answer = ann.put(MINE, data=many, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413
    assert ann.put(MINE, data=b"--x", content_type="multipart/form-data").status_code == 422


def test_an_upload_that_is_too_large(make_app: Any, tmp_path: Path) -> None:
    from flask_migrate import upgrade

    app = make_app({"DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}", "MAX_UPLOAD_BYTES": "20000"})
    with app.app_context():
        upgrade()
    ann = Factory(app).client()
    assert put(ann, picture((40, 40))).status_code == 200
    assert code(put(ann, picture() + b"\0" * 20_000)) == (413, "payload_too_large")


def test_the_filename_has_no_effect(app: Flask, make: Factory) -> None:
    ann = make.client()
    body = {"file": (BytesIO(picture()), "../../../../tmp/evil.py")}
    assert ann.put(MINE, data=body, content_type="multipart/form-data").status_code == 200
    (kept,) = files(app)
    assert kept.name.endswith(".webp")
    assert kept.parent.name == str(ann.user.id)  # type: ignore[attr-defined]


def test_storage_that_is_unavailable(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.storage.folder import FolderStorage

    ann = make.client()
    url = put(ann, picture()).json["avatar_url"]

    def away(*_: Any) -> None:
        raise StorageAway

    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "write", away)
        patched.setattr(FolderStorage, "read", away)
        for answer in (put(ann, picture()), ann.get(url)):
            assert code(answer) == (503, "unavailable")
            assert answer.headers["Retry-After"]
    assert ann.get(url).status_code == 200
    monkeypatch.setattr(FolderStorage, "delete", away)
    assert ann.delete(MINE).status_code == 204, "a file that stays behind is no matter to the caller"


def test_an_upload_of_an_account_that_is_deactivated_meanwhile_leaves_no_file(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.storage.folder import FolderStorage

    ann, real = make.client(), FolderStorage.write

    def write_then_deactivate(self: Any, key: str, source: Any) -> int:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(db.update(User).values(is_active=False))
        return real(self, key, source)

    monkeypatch.setattr(FolderStorage, "write", write_then_deactivate)
    assert code(put(ann, picture())) == (401, "token_revoked")
    assert files(app) == []


def test_an_imported_avatar_has_no_url(app: Flask, make: Factory) -> None:
    ann = make.client()
    with app.app_context():
        db.session.execute(db.update(User).values(avatar="javascript:alert(1)"))
        db.session.commit()
    assert ann.get("/api/users/me").json["avatar_url"] is None
    assert code(ann.get(f"/api/users/{ann.user.id}/avatar")) == (404, "not_found")  # type: ignore[attr-defined]
    assert put(ann, picture()).status_code == 200
