"""Signed links: what they return, and when they stop working."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask

from backend.attachments import links
from backend.storage import Storage
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import add_to_message, code, deactivate, picture, uploaded
from tests.client import Client
from tests.factories import Factory


def link_of(client: Client, attachment: dict[str, object], query: str = "") -> str:
    answer = client.get(f"{attachment['url']}/link{query}")
    assert answer.status_code == 200, answer.json
    assert answer.json.keys() == {"url", "expires_in"}
    assert answer.json["expires_in"] == 300
    url: str = answer.json["url"]
    return url


def test_a_link_returns_the_same_file_without_a_token(app: Flask, make: Factory, store: Storage) -> None:
    ann, anonymous = make.client(), Client(app)
    attachment = uploaded(ann, picture(), "Bild é.png")
    url = link_of(ann, attachment)
    assert ann.token is not None
    assert ann.token not in url
    for address, same in ((url, attachment["url"]), (f"{url}&thumbnail=true", attachment["thumbnail_url"])):
        got, own = anonymous.get(address), ann.get(same)
        assert (got.status_code, got.data, got.headers["ETag"]) == (200, own.data, own.headers["ETag"])
        assert got.headers["Content-Disposition"] == own.headers["Content-Disposition"]
        assert got.headers["Content-Security-Policy"] == own.headers["Content-Security-Policy"]
    assert anonymous.get(url, headers={"Range": "bytes=0-3"}).status_code == 206
    assert anonymous.get(url, headers={"If-None-Match": own.headers["ETag"]}).status_code == 200
    assert anonymous.request("HEAD", url).status_code == 200
    small = anonymous.get(link_of(ann, attachment, "?thumbnail=true"))
    assert small.mimetype == "image/webp"


def test_a_link_to_a_missing_thumbnail_is_not_found(make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    attachment = uploaded(ann)
    assert code(ann.get(f"{attachment['url']}/link?thumbnail=true")) == (404, "not_found")


def test_a_link_expires(make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make.client()
    attachment, now = uploaded(ann), float(int(links.time.time()))
    monkeypatch.setattr(links.time, "time", lambda: now)
    url = link_of(ann, attachment)
    monkeypatch.setattr(links.time, "time", lambda: now + 299)
    assert ann.get(url).status_code == 200
    monkeypatch.setattr(links.time, "time", lambda: now + 300)
    assert code(ann.get(url)) == (404, "not_found")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("holder", "1"),
        ("expires", "99999999999"),
        ("signature", "0" * 64),
        ("signature", "é" * 64),
        ("signature", "0" * 63),
        ("signature", "0" * 65),
        ("signature", "0"),
    ],
)
def test_an_altered_link_is_not_found(app: Flask, make: Factory, folder: FolderStorage, field: str, value: str) -> None:
    ann, anonymous = make.client(), Client(app)
    first, second = uploaded(ann), uploaded(ann)
    path, _, query = link_of(ann, first).partition("?")
    assert anonymous.get(f"{path}?{query}").status_code == 200
    other = f"{second['url']}/signed?{query}"
    forged = f"{path}?{urlencode(dict(parse_qsl(query)) | {field: value})}"
    for url in (other, forged):
        assert code(anonymous.get(url)) == (404, "not_found")
    assert code(anonymous.get(path)) == (422, "validation_failed")
    assert "signature" in urlsplit(link_of(ann, first)).query


def test_a_link_requires_that_its_holder_may_see_the_message(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann, bob, anonymous = make.client(), make.client(), Client(app)
    room = make.room(ann, "private", bob, is_public=False)
    sent = ann.post("/api/chat/send", {"content": "see", "room_id": room["id"]}).json
    attachment = uploaded(ann)
    add_to_message(app, attachment["id"], sent["id"])
    of_ann, of_bob = link_of(ann, attachment), link_of(bob, attachment)
    assert anonymous.get(of_bob).status_code == 200
    assert bob.post(f"/api/rooms/{room['id']}/leave").status_code == 204
    assert code(anonymous.get(of_bob)) == (404, "not_found")
    assert anonymous.get(of_ann).status_code == 200
    assert ann.delete(f"/api/rooms/{room['id']}").status_code == 204
    assert code(anonymous.get(of_ann)) == (404, "not_found")


def test_a_link_of_a_deactivated_user_is_not_found(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    url = link_of(ann, uploaded(ann))
    deactivate(app, ann)
    assert code(Client(app).get(url)) == (404, "not_found")
