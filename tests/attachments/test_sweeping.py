"""The sweep of attachments, and crashes at every point of uploads and removals."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from backend.attachments import removal, sweeping
from backend.attachments import upload as uploading
from backend.models import Attachment
from backend.models.base import db, utcnow
from backend.storage import Storage, StorageAway
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import code, keys, picture, rows, send, sweep_later, upload, uploaded
from tests.client import Client
from tests.factories import Factory
from tests.processes import wait_until

OLD = timedelta(hours=2)


def test_files_not_sent_within_a_day_are_deleted(
    app: Flask, make: Factory, store: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    sent, unsent = uploaded(ann, picture(), "a.png"), uploaded(ann, picture(), "b.png")
    send(ann, attachment_ids=[sent["id"]])
    for _ in range(2):
        sweep_later(app, monkeypatch, timedelta(hours=23))
        assert len(rows(app)) == 2
    sweep_later(app, monkeypatch, timedelta(hours=25))
    assert code(ann.get(unsent["url"])) == (404, "not_found")
    assert code(ann.post("/api/chat/send", {"content": "x", "attachment_ids": [unsent["id"]]})) == (404, "not_found")
    [row] = rows(app)
    assert keys(store) == [row.storage_key, row.thumbnail_key]
    assert ann.get(sent["url"]).data == picture()


def test_the_regular_sweep_compares_recent_files(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent, older = f"{utcnow():%Y-%m-%d}", f"{utcnow() - timedelta(days=40):%Y-%m-%d}"
    for day in (recent, older):
        folder.write(f"attachments/{day}/stray", BytesIO(b"x"))
    with app.app_context(), monkeypatch.context() as patched:
        sweeping.sweep()
        assert len(keys(folder)) == 2, "a file younger than an hour may belong to an upload in progress"
        patched.setattr(sweeping, "utcnow", lambda: utcnow() + OLD)
        sweeping.sweep()
        assert keys(folder) == [f"attachments/{older}/stray"]
    assert sweep_later(app, monkeypatch, OLD).stray_files == 1
    assert keys(folder) == []


def test_a_sweep_compares_rows_and_files_in_both_directions(
    app: Flask, make: Factory, store: Storage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ann = make.client()
    kept, plain, sent, unsent = (uploaded(ann, picture(), "a.png"), *(uploaded(ann) for _ in range(3)))
    shown, unshown = (uploaded(ann, picture(), "b.png") for _ in range(2))
    send(ann, attachment_ids=[each["id"] for each in (kept, plain, sent, shown)])
    by_id = {row.id: row for row in rows(app)}
    for lost in (sent, unsent):
        store.delete(by_id[lost["id"]].storage_key)
    for lost in (shown, unshown):
        store.delete(by_id[lost["id"]].thumbnail_key)
    store.write("attachments/2020-01-01/stray", BytesIO(b"x"))
    store.write("attachments/2020-01-01/stray.webp", BytesIO(b"x"))
    store.write("avatars/1/x.webp", BytesIO(b"x"))
    done = sweep_later(app, monkeypatch, OLD)
    assert (done.stray_files, done.lost_rows, done.lost_files, done.is_complete) == (2, 2, 2, True)
    assert "files of sent attachments are missing" in caplog.text
    assert [row.id for row in rows(app)] == [each["id"] for each in (kept, plain, sent, shown)]
    whole = by_id[kept["id"]]
    left = [whole.storage_key, whole.thumbnail_key, by_id[plain["id"]].storage_key, by_id[shown["id"]].storage_key]
    assert sorted(keys(store)) == sorted(left)
    assert store.size("avatars/1/x.webp") == 1


def test_the_command_reports_its_result(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    folder.write("attachments/2020-01-01/stray", BytesIO(b"x"))
    [path] = folder.root.rglob("stray")
    os.utime(path, (0, 0))
    run = app.test_cli_runner().invoke(args=["attachments", "sweep"])
    assert (run.exit_code, run.output) == (
        0,
        "deleted 1 files without a row, 0 incomplete files and 0 rows without a file\n",
    )
    send(ann, attachment_ids=[uploaded(ann)["id"]])
    with app.app_context():
        db.session.execute(update(Attachment).values(created_at=utcnow() - OLD))
        db.session.commit()
    folder.delete(rows(app)[0].storage_key)
    run = app.test_cli_runner().invoke(args=["attachments", "sweep"])
    assert run.exit_code == 1
    assert "1 sent attachments lack their file or thumbnail" in run.output


def test_a_sweep_is_repeated_after_the_storage_was_unavailable(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uploaded(make.client())

    def away(*_: object) -> None:
        raise StorageAway

    with app.app_context(), monkeypatch.context() as patched:
        patched.setattr(sweeping, "utcnow", lambda: utcnow() + timedelta(days=2))
        for name in ("delete", "remove_incomplete"):
            patched.setattr(FolderStorage, name, away)
        sweeping.sweep()
    assert "the next sweep will check the attachments again" in caplog.text
    assert [row.state for row in rows(app)] == ["removed"]
    sweep_later(app, monkeypatch, timedelta())
    assert (rows(app), keys(folder)) == ([], [])


def test_incomplete_files_of_a_crash_are_deleted(tmp_path: Path) -> None:
    store = FolderStorage(str(tmp_path))
    store.write("a", BytesIO(b"x"))
    for name in (".0123456789abcdef", ".config", "0123456789abcdef"):
        (tmp_path / name).write_text("x")
    assert store.remove_incomplete(utcnow() - OLD) == 0
    assert store.remove_incomplete(utcnow() + OLD) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".config", "0123456789abcdef", "a"]


def test_incomplete_multipart_uploads_are_aborted(app: Flask, store: Any) -> None:
    if isinstance(store, FolderStorage):
        assert store.remove_incomplete(utcnow() + OLD) == 0
        return
    store.client.create_multipart_upload(Bucket=store.bucket, Key=f"{store.prefix}attachments/x")
    store.client.create_multipart_upload(Bucket=store.bucket, Key="not/ours")
    assert store.remove_incomplete(datetime(2000, 1, 1, tzinfo=utcnow().tzinfo)) == 0
    assert store.remove_incomplete(utcnow() + OLD) == 1
    assert len(store.client.list_multipart_uploads(Bucket=store.bucket)["Uploads"]) == 1


class Stop:
    """Pauses the thread at the *nth* call of a function, as if the process had been killed there."""

    def __init__(self, nth: int):
        self.nth, self.count = nth, 0
        self.reached, self.released = threading.Event(), threading.Event()

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stopping(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.nth:
                self.reached.set()
                assert self.released.wait(60)
            return function(*args, **kwargs)

        return stopping


# A process that is killed stops between two steps, which only the names of the steps tell apart.
UPLOAD_POINTS = [(uploading, "_write", 1), ("store", "write", 1), ("store", "write", 2), (uploading, "_make_ready", 1)]
REMOVAL_POINTS = [(removal, "_delete_both", 1), ("store", "delete", 2), (removal, "execute_together", 1)]


@pytest.mark.parametrize(("place", "name", "nth"), UPLOAD_POINTS)
def test_an_interrupted_upload_leaves_nothing(
    app: Flask,
    make: Factory,
    store: Storage,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    nth: int,
) -> None:
    """A sweep an hour later deletes the row and the files. If the upload then continues, it fails and leaves nothing."""
    ann, stop = make.client(), Stop(nth)
    owner = type(store) if place == "store" else place
    monkeypatch.setattr(owner, name, stop.before(getattr(owner, name)))
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(upload(Client(app, ann.token), picture(), "a.png")))
    thread.start()
    assert stop.reached.wait(30)
    try:
        assert [row.state for row in rows(app)] == ["pending"], "the row is committed before the file is written"
        sweep_later(app, monkeypatch, timedelta(minutes=50))
        assert len(rows(app)) == 1, "the upload may be in progress"
        sweep_later(app, monkeypatch, OLD)
        assert (rows(app), keys(store)) == ([], [])
    finally:
        stop.released.set()
        thread.join()
    assert code(answers[0]) == (401, "token_revoked")
    assert (rows(app), keys(store)) == ([], [])


@pytest.mark.parametrize(("place", "name", "nth"), REMOVAL_POINTS)
def test_an_interrupted_removal_leaves_nothing(
    app: Flask,
    make: Factory,
    store: Storage,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    nth: int,
) -> None:
    ann, stop = make.client(), Stop(nth)
    sent = send(ann, attachment_ids=[uploaded(ann, picture(), "a.png")["id"], uploaded(ann)["id"]])
    owner = type(store) if place == "store" else place
    path = f"/api/chat/messages/{sent['id']}?hard=true"
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, stop.before(getattr(owner, name)))
        thread = threading.Thread(target=lambda: Client(app, ann.token).delete(path))
        thread.start()
        assert stop.reached.wait(30)
        try:
            assert ann.get(f"/api/chat/messages/{sent['id']}").json["attachments"] == []
            assert {row.state for row in rows(app)} == {"removed"}
            assert sweep_later(app, monkeypatch, timedelta()).is_complete
            assert (rows(app), keys(store)) == ([], [])
        finally:
            stop.released.set()
            thread.join()
    assert (rows(app), keys(store)) == ([], [])


def test_concurrent_sweep_and_send(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either the send succeeds and the file is kept, or the send is refused and the file is deleted."""
    ann = make.client()
    for _ in range(4):
        file = uploaded(ann)
        thread = threading.Thread(target=sweep_later, args=(app, monkeypatch, timedelta(days=2)))
        thread.start()
        time.sleep(0)
        answer = ann.post("/api/chat/send", {"content": "x", "attachment_ids": [file["id"]]})
        thread.join()
        got = ann.get(file["url"])
        assert (answer.status_code, got.status_code) in ((201, 200), (404, 404))
    wait_until(lambda: all(row.state == "ready" for row in rows(app)), "the end of the removal")
