"""A server on a restored installation: second factors, sessions and files work as before, because the secrets are the same."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests

from tests.attachments.conftest import form, picture, send, uploaded
from tests.client import Client
from tests.ops.backup.conftest import KINDS, Install
from tests.servers import Server

ACCOUNT = {"email": "ann@example.com", "password": "password123"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_server(install: Install, tmp_path: Path, kind: str) -> None:
    source, target, archive = install(kind), install(kind), str(tmp_path / "backup.tar.gz")
    source.flask("db", "upgrade")
    ann = Client(source.app)
    ann.token = ann.post("/api/auth/register", ACCOUNT).json["access_token"]
    totp = pyotp.TOTP(ann.post("/api/auth/totp", {"password": ACCOUNT["password"]}).json["secret"])
    assert ann.post("/api/auth/totp/confirm", {"totp_code": totp.now()}).status_code == 200
    image = uploaded(ann, picture(), "a.png")
    sent = send(ann, content="with a picture", attachment_ids=[image["id"]])
    avatar = ann.put("/api/users/me/avatar", **form(picture(), "me.png")).json["avatar_url"]
    files = {url: ann.get(url).data for url in (avatar, image["url"], image["thumbnail_url"])}
    source.flask("backup", "create", archive)
    target.flask("backup", "restore", archive)

    config = target.app.config["CONFAB"]
    with Server({"DATABASE_URL": config.database_url, "INSTANCE_DIR": str(target.folder)}) as server:

        def call(method: str, path: str, token: str | None = None, body: Any = None) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return requests.request(method, server.url + path, headers=headers, json=body, timeout=30)

        assert call("POST", "/api/auth/login", body=ACCOUNT).json()["code"] == "totp_required"
        code = totp.at(time.time() + 30)  # the one of this moment was used
        answer = call("POST", "/api/auth/login", body={**ACCOUNT, "totp_code": code})
        assert answer.status_code == 200, answer.text
        for token in (ann.token, answer.json()["access_token"]):
            assert {url: call("GET", url, token).content for url in files} == files
            assert call("GET", f"/api/chat/messages/{sent['id']}", token).json()["content"] == "with a picture"
        assert call("POST", "/api/chat/send", answer.json()["access_token"], {"content": "new"}).status_code == 201
