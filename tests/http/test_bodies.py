"""Request bodies: which are accepted, and how the others are answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from tests.client import Client

JSON = "application/json"


def post(lab: Client, body: bytes | str, content_type: str | None = JSON, path: str = "/api/lab/echo") -> Any:
    return lab.post(path, data=body, content_type=content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"text": "a"',
        b"{'text': 'a'}",
        b'{"text": "a",}',
        b'{"text": "a"} {}',
        b'{"number": NaN}',
        b'{"number": Infinity}',
        b'{"number": -Infinity}',
        b'{"number": 01}',
        b'{"text": "\xff\xfe"}',
        b'\xef\xbb\xbf{"text": "a"}',
        '{"text": "a"}'.encode("utf-16"),
        b"\0",
        b'{"text": "a\nb"}',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"number": ' + b"1" * 5000 + b"}",
    ],
    ids=lambda body: f"{body[:30]!r}:{len(body)}",
)
def test_broken_json_is_400(lab: Client, body: bytes) -> None:
    response = post(lab, body)
    assert response.status_code == 400
    assert response.json["code"] == "malformed_json"


@pytest.mark.parametrize("value", ["[]", "1", '"text"', "null", "true"])
def test_json_other_than_an_object_is_422(lab: Client, value: str) -> None:
    response = post(lab, value)
    assert (response.status_code, response.json["code"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application", "a/b;c=d"]
)
def test_another_content_type_is_415(lab: Client, content_type: str | None) -> None:
    response = post(lab, '{"text": "a"}', content_type)
    assert (response.status_code, response.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", [JSON, "application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
def test_json_content_types_are_accepted(lab: Client, content_type: str) -> None:
    assert post(lab, '{"text": "a"}', content_type).json == {"text": "a"}


def test_a_form_where_json_is_sent_is_415(lab: Client) -> None:
    assert post(lab, '{"text": "a"}', JSON, "/api/lab/form").status_code == 415


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"unknown": 1}, "unknown"),
        ({"text": 1}, "text"),
        ({"text": None}, "text"),
        ({"text": "a" * 21}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"number": "1"}, "number"),
        ({"number": 1.0}, "number"),
        ({"number": True}, "number"),
        ({"number": 0}, "number"),
        ({"number": 2**63}, "number"),
        ({"number": 10**4000}, "number"),
        ({"number": [1]}, "number"),
        ({"id": 0}, "id"),
        ({"id": 2**64}, "id"),
        ({"flag": 1}, "flag"),
        ({"flag": "true"}, "flag"),
        ({"inner": {}}, "inner"),
        ({"inner": [{"text": 1}]}, "inner.0.text"),
        ({"inner": [{"no": 1}]}, "inner.0.no"),
        ({"bad \ud800 name": 1}, "bad ? name"),
        ({"x" * 500: 1}, "x" * 100),
    ],
)
def test_the_wrong_field_is_reported(lab: Client, body: dict[str, Any], field: str) -> None:
    response = post(lab, json.dumps(body))
    assert (response.status_code, response.json["code"]) == (422, "validation_failed")
    assert list(response.json["errors"]) == [field]
    assert all(isinstance(message, str) for message in response.json["errors"][field])


def test_text_is_returned_unchanged(lab: Client) -> None:
    text = " \u00e9\U0001f600\u202e\r\n\t"
    assert post(lab, json.dumps({"text": text})).json == {"text": text}


class Unreadable(BytesIO):
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")

    readinto = readline = read  # type: ignore[assignment]


def test_a_large_body_is_413_by_its_content_length(lab: Client) -> None:
    environ = {"CONTENT_LENGTH": str(1024 * 1024 + 1)}
    for path in ("/api/lab/echo", "/api/lab/any", "/api/nothing"):
        response = lab.post(path, input_stream=Unreadable(), content_type=JSON, environ_overrides=environ)
        assert (response.status_code, response.json["code"]) == (413, "payload_too_large"), path


def test_the_largest_allowed_body_is_read(lab: Client) -> None:
    body = b'{"text": "a"}'.ljust(1024 * 1024)
    assert post(lab, body).status_code == 200
    assert post(lab, body + b" ").status_code == 413


def test_a_chunked_body_is_counted(lab: Client) -> None:
    """It has no Content-Length. gunicorn states that the stream ends by itself."""
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    def send(body: bytes) -> Any:
        return lab.post("/api/lab/echo", input_stream=BytesIO(body), content_type=JSON, environ_overrides=environ)

    assert send(b'{"text": "a"}').json == {"text": "a"}
    assert send(b'{"text": "a"}'.ljust(1024 * 1024)).json == {"text": "a"}
    response = send(b'{"text": "a"}'.ljust(1024 * 1024 + 1))
    assert (response.status_code, response.json["code"]) == (413, "payload_too_large")


def test_the_limit_is_configured(make_lab: Callable[..., Client]) -> None:
    lab = make_lab({"MAX_JSON_BYTES": "1024"})
    assert post(lab, b"{}".ljust(1024)).status_code == 200
    response = post(lab, b"{}".ljust(1025))
    assert response.status_code == 413
    assert "1024" in response.json["detail"]


def test_a_large_form_is_413(lab: Client) -> None:
    response = post(lab, "text=" + "a" * 1_100_000, "application/x-www-form-urlencoded", "/api/lab/form")
    assert (response.status_code, response.json["code"]) == (413, "payload_too_large")
