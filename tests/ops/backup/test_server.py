"""A backup of a running server, and the server that is restored from it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests

from tests.attachments.conftest import picture
from tests.ops.test_files import flask
from tests.plugin_services import Services
from tests.servers import Server

ACCOUNT = {"email": "ann@example.com", "password": "password123"}


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, services: Services, worker: str) -> list[dict[str, str]]:
    """The settings of two servers with empty databases."""
    folders = [{"INSTANCE_DIR": str(tmp_path / f"instance{n}")} for n in (1, 2)]
    if request.param == "sqlite":
        return folders
    return [{"DATABASE_URL": services.new_database(f"{worker}_server{n}"), **each} for n, each in enumerate(folders)]


class Session:
    """An account on a server."""

    def __init__(self, server: Server, token: str):
        self.url, self.headers = server.url, {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        answer = requests.request(method, self.url + path, headers=self.headers, timeout=10, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.headers.get("Content-Type", "").endswith("json") else answer.content


def login(server: Server, **fields: Any) -> requests.Response:
    return requests.post(f"{server.url}/api/auth/login", json={**ACCOUNT, **fields}, timeout=10)


def test_a_restored_server(settings: list[dict[str, str]], tmp_path: Path) -> None:
    """A second factor, files and sessions survive: the secrets are the same."""
    archive = tmp_path / "backup.tar.gz"
    assert flask(settings[0], "db", "upgrade").returncode == 0
    with Server(settings[0]) as server:
        token = requests.post(f"{server.url}/api/auth/register", json=ACCOUNT, timeout=10).json()["access_token"]
        ann = Session(server, token)
        secret = ann.call("POST", "/api/auth/totp", 201, json={"password": ACCOUNT["password"]})["secret"]
        totp = pyotp.TOTP(secret)
        ann.call("POST", "/api/auth/totp/confirm", 200, json={"totp_code": totp.now()})
        avatar = ann.call("PUT", "/api/users/me/avatar", 200, files={"file": ("me.png", picture())})["avatar_url"]
        image = ann.call("POST", "/api/chat/attachments", 201, files={"file": ("a.png", picture())})
        ann.call("POST", "/api/chat/send", 201, json={"content": "with a picture", "attachment_ids": [image["id"]]})
        urls = (avatar, image["url"], image["thumbnail_url"])
        contents = [ann.call("GET", url, 200) for url in urls]
        done = flask(settings[0], "backup", "create", str(archive))
        assert done.returncode == 0, done.stderr
        assert "{" not in done.stderr
        ann.call("POST", "/api/chat/send", 201, json={"content": "after the backup"})
    done = flask(settings[1], "backup", "restore", str(archive))
    assert done.returncode == 0, done.stderr
    assert "Start the server." in done.stdout
    with Server(settings[1]) as server:
        assert login(server).json()["code"] == "totp_required"
        # The code of this moment was used for the enrolment.
        answer = login(server, totp_code=totp.at(time.time() + 30))
        assert answer.status_code == 200, answer.text
        for each in (token, answer.json()["access_token"]):
            ann = Session(server, each)
            assert [ann.call("GET", url, 200) for url in urls] == contents
        [message] = ann.call("GET", "/api/chat/messages?conversation_id=lobby", 200)
        assert message["content"] == "with a picture"
        ann.call("POST", "/api/chat/send", 201, json={"content": "on the restored server"})
    done = flask(settings[1], "messages", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
