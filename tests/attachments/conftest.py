"""Helpers for tests of attachments: sample files, and a storage in a folder and in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select, update

from backend.attachments import sweeping
from backend.models import Attachment, User
from backend.models.base import db, utcnow
from backend.state import confab_state
from backend.storage import Storage
from backend.storage.folder import FolderStorage
from tests.client import Client
from tests.storage.test_storage import bucket

PATH = "/api/chat/attachments"


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, app: Flask, tmp_path: Path) -> Iterator[Storage]:
    """An empty storage for `app`: a folder, and then a bucket."""
    state = confab_state(app)
    former = state.storage
    made = iter([FolderStorage(str(tmp_path / "files"))]) if request.param == "folder" else bucket()
    for found in made:
        state.storage = lambda found=found: found
        yield found
    state.storage = former


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Iterator[FolderStorage]:
    """An empty folder as the storage of `app`."""
    state = confab_state(app)
    former = state.storage
    found = FolderStorage(str(tmp_path / "files"))
    state.storage = lambda: found
    yield found
    state.storage = former


def form(data: bytes, name: str) -> dict[str, Any]:
    """Return a multipart/form-data request. The test client of werkzeug would write a long body to a file and not close it."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').encode()
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + quoted + b'"\r\n\r\n'
    return {"data": head + data + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def upload(client: Client, data: bytes, name: str = "notes.txt") -> Any:
    return client.post(PATH, **form(data, name))


def uploaded(client: Client, data: bytes = b"hello", name: str = "notes.txt") -> dict[str, Any]:
    answer = upload(client, data, name)
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def send(client: Client, **body: Any) -> dict[str, Any]:
    filled = {"content": "hello", **body}
    answer = client.post("/api/chat/send", {name: value for name, value in filled.items() if value is not None})
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def picture(size: tuple[int, int] = (800, 600), kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **options)
    return out.getvalue()


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def rows(app: Flask) -> list[Any]:
    with app.app_context():
        return list(db.session.execute(select(*Attachment.__table__.c).order_by(Attachment.id)))


def keys(store: Storage) -> list[str]:
    """Return the keys of all files of attachments."""
    found = []
    for day in store.folders("attachments"):
        for batch in store.files(f"attachments/{day}"):
            found += [file.key for file in batch]
    return sorted(found)


def sweep_later(app: Flask, monkeypatch: pytest.MonkeyPatch, later: timedelta) -> sweeping.Sweep:
    """Sweep everything as if *later* had passed."""
    with app.app_context(), monkeypatch.context() as patched:
        patched.setattr(sweeping, "utcnow", lambda: utcnow() + later)
        return sweeping.sweep_all()


def add_to_message(app: Flask, attachment_id: int, message_id: int) -> None:
    """Add an attachment to a message, as a send does."""
    with app.app_context():
        db.session.execute(update(Attachment).where(Attachment.id == attachment_id).values(message_id=message_id))
        db.session.commit()


def deactivate(app: Flask, client: Client) -> None:
    with app.app_context():
        db.session.execute(update(User).where(User.id == client.user.id).values(is_active=False))  # type: ignore[attr-defined]
        db.session.commit()
