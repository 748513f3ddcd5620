"""`kill -9` of the worker during uploads, sends and hard deletions: after the sweep, files, rows and messages agree."""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from PIL import Image
from sqlalchemy import exists, select

from backend.attachments import sweeping
from backend.models import Attachment
from backend.models.base import db, utcnow
from backend.models.message import AttachmentState
from backend.storage.folder import DRAFT, FolderStorage
from tests.attachments.conftest import PATH, form, rows, sweep_later
from tests.attachments.files import IMAGE_SIZE, digest, image, large_file, small_file
from tests.factories import Factory
from tests.processes import wait_until
from tests.realtime.client import Api
from tests.servers import Server

SENDERS = 3

Result = TypeVar("Result")


class Sender:
    """A user who uploads, sends, deletes and abandons until `is_over`, and records what the server acknowledged.

    A file is named after the hash of its bytes, so that each attachment can be compared with what was uploaded.
    """

    def __init__(self, number: int, api: Api):
        self.api = api
        self.chance = random.Random(number)
        self.is_over = threading.Event()
        self.sent: dict[int, list[dict[str, Any]]] = {}
        self.deleted: dict[int, list[dict[str, Any]]] = {}
        self.abandoned: list[dict[str, Any]] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Return at the end of the work. Raises what the server answered against the contract."""
        self.is_over.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            for count in itertools.count():
                if self.is_over.is_set():
                    return
                self._send(f"{self.api.id} {count}")
                self.chance.choice([self._abandon, self._break_off, self._delete, self._delete])()
        except BaseException as error:  # noqa: BLE001  # `stop` raises it in the thread of the test
            self.error = error

    def _send(self, content: str) -> None:
        kinds = self.chance.choices([small_file, image, large_file], [3, 3, 1], k=self.chance.randint(1, 3))
        files = [self._upload(*kind(self.chance)) for kind in kinds]
        if None not in files:
            ids = [file["id"] for file in files if file is not None]
            message = self._repeat(lambda: self.api.send(content, client_message_id=content, attachment_ids=ids))
            if message is not None:
                assert message["attachments"] == files
                self.sent[message["id"]] = message["attachments"]

    def _upload(self, name: str, data: bytes) -> dict[str, Any] | None:
        return self._repeat(lambda: self.api.upload(name, data))

    def _abandon(self) -> None:
        """Upload a file that is never sent."""
        if file := self._upload(*image(self.chance)):
            self.abandoned.append(file)

    def _break_off(self) -> None:
        """Close the connection in the middle of an upload."""
        request = form(large_file(self.chance)[1], "broken off")
        body: bytes = request["data"]
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.api.token}\r\n"
            f"Content-Type: {request['content_type']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        address = urlsplit(self.api.url)
        try:
            with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
                connection.sendall(head.encode() + body[: len(body) // 2])
        except OSError:
            pass  # the worker was killed meanwhile

    def _delete(self) -> None:
        """Delete a message. Whether it exists is uncertain until the server acknowledges that."""
        if self.sent:
            id_ = self.chance.choice(list(self.sent))
            attachments = self.sent.pop(id_)
            if self._repeat(lambda: (self.api("DELETE", f"/api/chat/messages/{id_}?hard=true", status=204),)):
                self.deleted[id_] = attachments

    def _repeat(self, call: Callable[[], Result]) -> Result | None:
        """Repeat *call* until the server acknowledges it. Returns None if that does not happen before the end."""
        while not self.is_over.is_set():
            try:
                return call()
            except requests.RequestException:  # the worker was killed, or has not started yet
                self.is_over.wait(0.02)
        return None


def test_files_rows_and_messages_agree_after_kills(
    app: Flask, make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [(make.token(user), user.id) for user in (make.user() for _ in range(SENDERS))]
    environ = {
        "DATABASE_URL": app.config["CONFAB"].database_url,
        "INSTANCE_DIR": app.instance_path,
        "STORAGE_URL": str(folder.root),
        "RATE_LIMITS": "off",
        "APP_ENV": "testing",
    }
    with Server(environ) as server:
        senders = [Sender(number, Api(server.url, *pair)) for number, pair in enumerate(tokens)]
        kill_at_moments(server, senders, app, folder)
        with app.app_context(), monkeypatch.context() as patched:
            patched.setattr(sweeping, "utcnow", lambda: utcnow() + sweeping.UNSENT_KEPT * 2)
            sweeping.sweep()
        check(app, folder, senders)
        assert vars(sweep_later(app, monkeypatch, sweeping.UNSENT_KEPT * 2)) == vars(sweeping.Sweep())


def kill_at_moments(server: Server, senders: list[Sender], app: Flask, folder: FolderStorage) -> None:
    """Kill the worker while it writes a file, then while it removes attachments. `tests/chaos` kills it at any moment."""

    def count() -> int:
        return sum(len(sender.sent) + len(sender.deleted) for sender in senders)

    def wait_for_more() -> None:
        enough = count() + 4 * len(senders)
        wait_until(lambda: count() >= enough or any(sender.error for sender in senders), "more acknowledged work", 60)

    try:
        for is_moment in (lambda: is_writing(folder), lambda: is_removing(app)):
            wait_for_more()
            (victim,) = server.worker_pids
            wait_until(is_moment, "the moment of the kill", 60)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda victim=victim: victim not in server.worker_pids, "the end of the worker")
        wait_for_more()
    finally:
        for sender in senders:
            sender.is_over.set()
        for sender in senders:
            sender.stop()


def is_writing(folder: FolderStorage) -> bool:
    return any(DRAFT.fullmatch(path.name) for path in folder.root.iterdir())


def is_removing(app: Flask) -> bool:
    with app.app_context():
        return bool(db.session.scalar(select(exists().where(Attachment.state == AttachmentState.REMOVED))))


def check(app: Flask, folder: FolderStorage, senders: list[Sender]) -> None:
    """Compare files, rows, messages and what was acknowledged, each with the others."""
    kept = rows(app)
    assert {row.state for row in kept} == {AttachmentState.READY}
    assert None not in {row.message_id for row in kept}
    keys = [key for row in kept for key in (row.storage_key, row.thumbnail_key) if key is not None]
    assert files_below(folder.root) == sorted(keys)
    api = senders[0].api
    messages = messages_of_the_lobby(api)
    shown = {file["id"]: file for message in messages.values() for file in message["attachments"]}
    assert {row.id: row.message_id for row in kept} == {
        file["id"]: message["id"] for message in messages.values() for file in message["attachments"]
    }
    for file in shown.values():
        assert digest(download(api, file["url"])) == file["filename"]
        assert (file["thumbnail_url"] is None) == (file["content_type"] != "image/png")
        if file["thumbnail_url"] is not None:
            assert Image.open(BytesIO(download(api, file["thumbnail_url"]))).size == IMAGE_SIZE
    assert sum(len(sender.sent) for sender in senders) > 0
    assert sum(len(sender.deleted) for sender in senders) > 0
    for sender in senders:
        for id_, attachments in sender.sent.items():
            assert messages[id_]["attachments"] == attachments
        gone = [file for files in sender.deleted.values() for file in files] + sender.abandoned
        assert not {file["id"] for file in gone} & shown.keys()
        for id_ in sender.deleted:
            assert messages[id_]["deleted_at"] is not None


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def messages_of_the_lobby(api: Api) -> dict[int, dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := api(
        "GET", f"/api/chat/messages?conversation_id=lobby&after={found[-1]['seq'] if found else 0}&limit=100"
    ):
        found += page
    return {message["id"]: message for message in found}


def download(api: Api, url: str) -> bytes:
    answer = requests.get(api.url + url, headers={"Authorization": f"Bearer {api.token}"}, timeout=15)
    assert answer.status_code == 200, answer.text
    return answer.content
