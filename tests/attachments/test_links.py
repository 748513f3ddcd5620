"""Links that carry their own right: what they open, and when they die."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask

from backend.attachments import links
from backend.storage import Storage
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import code, deactivate, hang_on, picture, uploaded
from tests.client import Client
from tests.factories import Factory


def link_of(client: Client, attachment: dict[str, object], query: str = "") -> str:
    answer = client.get(f"{attachment['url']}/link{query}")
    assert answer.status_code == 200, answer.json
    assert answer.json.keys() == {"url", "expires_in"}
    assert answer.json["expires_in"] == 300
    url: str = answer.json["url"]
    return url


def test_a_link_serves_the_same_bytes_without_a_token(app: Flask, make: Factory, store: Storage) -> None:
    ann, nobody = make.client(), Client(app)
    attachment = uploaded(ann, picture(), "Bild é.png")
    url = link_of(ann, attachment)
    assert ann.token is not None
    assert ann.token not in url
    for address, same in ((url, attachment["url"]), (f"{url}&thumbnail=true", attachment["thumbnail_url"])):
        got, own = nobody.get(address), ann.get(same)
        assert (got.status_code, got.data, got.headers["ETag"]) == (200, own.data, own.headers["ETag"])
        assert got.headers["Content-Disposition"] == own.headers["Content-Disposition"]
        assert got.headers["Content-Security-Policy"] == own.headers["Content-Security-Policy"]
    assert nobody.get(url, headers={"Range": "bytes=0-3"}).status_code == 206
    assert nobody.get(url, headers={"If-None-Match": own.headers["ETag"]}).status_code == 200
    assert nobody.request("HEAD", url).status_code == 200
    small = nobody.get(link_of(ann, attachment, "?thumbnail=true"))
    assert small.mimetype == "image/webp"


def test_a_link_to_a_thumbnail_that_is_none(make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    attachment = uploaded(ann)
    assert code(ann.get(f"{attachment['url']}/link?thumbnail=true")) == (404, "not_found")


def test_a_link_ends_with_its_time(make: Factory, folder: FolderStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make.client()
    url = link_of(ann, uploaded(ann))
    now = links.time.time()
    monkeypatch.setattr(links.time, "time", lambda: now + 298)
    assert ann.get(url).status_code == 200
    monkeypatch.setattr(links.time, "time", lambda: now + 301)
    assert code(ann.get(url)) == (404, "not_found")


@pytest.mark.parametrize(
    ("field", "value"),
    [("holder", "1"), ("expires", "99999999999"), ("signature", "0" * 64), ("signature", "é" * 64)],
)
def test_a_link_is_good_for_what_was_signed_alone(
    app: Flask, make: Factory, folder: FolderStorage, field: str, value: str
) -> None:
    ann, nobody = make.client(), Client(app)
    first, second = uploaded(ann), uploaded(ann)
    path, _, query = link_of(ann, first).partition("?")
    assert nobody.get(f"{path}?{query}").status_code == 200
    other = f"{second['url']}/signed?{query}"
    forged = f"{path}?{urlencode(dict(parse_qsl(query)) | {field: value})}"
    for url in (other, forged):
        assert code(nobody.get(url)) == (404, "not_found")
    assert code(nobody.get(path)) == (422, "validation_failed")
    assert "signature" in urlsplit(link_of(ann, first)).query


def test_a_link_dies_with_the_right_to_see_the_message(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann, bob, nobody = make.client(), make.client(), Client(app)
    room = make.room(ann, "private", bob, is_public=False)
    sent = ann.post("/api/chat/send", {"content": "see", "room_id": room["id"]}).json
    attachment = uploaded(ann)
    hang_on(app, attachment["id"], sent["id"])
    of_ann, of_bob = link_of(ann, attachment), link_of(bob, attachment)
    assert nobody.get(of_bob).status_code == 200
    assert bob.post(f"/api/rooms/{room['id']}/leave").status_code == 204
    assert code(nobody.get(of_bob)) == (404, "not_found")
    assert nobody.get(of_ann).status_code == 200
    assert ann.delete(f"/api/rooms/{room['id']}").status_code == 204
    assert code(nobody.get(of_ann)) == (404, "not_found")


def test_a_link_dies_with_its_holder(app: Flask, make: Factory, folder: FolderStorage) -> None:
    ann = make.client()
    url = link_of(ann, uploaded(ann))
    deactivate(app, ann)
    assert code(Client(app).get(url)) == (404, "not_found")
