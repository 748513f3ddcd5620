"""The AsyncAPI document of the socket, and the schema that it is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from tests.client import Client
from tests.json_schema import check_references
from tests.openapi.node import installed
from tests.servers import ROOT

FRAMES = json.loads((ROOT / "docs/realtime.schema.json").read_text())


@pytest.fixture
def found(sqlite_app: Flask) -> dict[str, Any]:
    answer: dict[str, Any] = Client(sqlite_app).get("/asyncapi.json").json
    return answer


def test_it_is_valid(found: dict[str, Any]) -> None:
    specification = installed("@asyncapi/specs") / "schemas" / "3.0.0-without-$id.json"
    validator = jsonschema_rs.validator_for(json.loads(specification.read_text()))
    assert [error.message for error in validator.iter_errors(found)] == []
    assert not validator.is_valid({**found, "operations": {"x": {"action": "shout"}}})


def test_every_reference_has_a_target(found: dict[str, Any]) -> None:
    assert len(check_references(found)) > 100


def test_every_frame_has_its_operation(found: dict[str, Any]) -> None:
    frames = {name for name in FRAMES["$defs"] if name.startswith(("client.", "server."))}
    assert len(frames) > 20
    assert set(found["operations"]) == set(found["channels"]["socket"]["messages"]) == frames
    for name, operation in found["operations"].items():
        assert operation["action"] == ("receive" if name.startswith("client.") else "send")
        assert found["components"]["messages"][name]["name"] == name.partition(".")[2]
        assert found["components"]["schemas"][name]["properties"].keys() == FRAMES["$defs"][name]["properties"].keys()


def test_the_answers_are_those_of_the_guide(found: dict[str, Any]) -> None:
    table = (ROOT / "docs/realtime.md").read_text().partition("## What you send")[2].partition("## What you get")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `") and "| answer |" not in line]
    documented = {
        f"client.{type_}": [re.findall("`([a-z]+)`", row[3])[0], "error"]
        for row in rows
        for type_ in re.findall("`([a-z]+)`", row[1])
    }
    answers = {
        name: [message["$ref"].rpartition("server.")[2] for message in operation["reply"]["messages"]]
        for name, operation in found["operations"].items()
        if "reply" in operation
    }
    assert answers == documented


def test_it_names_the_address_of_the_socket(make_app: Callable[..., Flask]) -> None:
    app = make_app({"PUBLIC_URL": "https://chat.example:8443/"})
    document = Client(app).get("/asyncapi.json").json
    server = document["servers"]["this"]
    assert (server["protocol"], server["host"]) == ("wss", "chat.example:8443")
    assert document["channels"]["socket"]["address"] == "/ws/{client_id}"
    assert document["info"]["version"] == app.config["VERSION"]


def test_the_schema_is_served_as_it_stands_in_the_docs(sqlite_app: Flask) -> None:
    response = Client(sqlite_app).get("/realtime.schema.json")
    assert (response.status_code, response.json) == (200, FRAMES)


def test_the_reference_client_is_a_download_of_the_file_in_the_docs(sqlite_app: Flask) -> None:
    response = Client(sqlite_app).get("/reference_client.py")
    assert (response.status_code, response.mimetype) == (200, "text/x-python")
    assert response.headers["Content-Disposition"] == "attachment; filename=reference_client.py"
    assert response.data == (ROOT / "docs/examples/reference_client.py").read_bytes()


def test_the_guide_says_what_to_do_with_each_frame_and_which_have_a_modseq() -> None:
    table = (ROOT / "docs/realtime.md").read_text().partition("## What to do with each frame")[2].partition("## ")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `") and "`type`" not in line]
    documented = {type_: row[2].strip() == "yes" for row in rows for type_ in re.findall(r"`([a-z.]+)`", row[1])}
    frames = {name.partition(".")[2]: frame for name, frame in FRAMES["$defs"].items() if name.startswith("server.")}
    assert documented == {type_: "modseq" in frame["properties"] for type_, frame in frames.items()}


def test_frames_of_the_server_are_open_to_new_fields_and_those_of_clients_are_closed() -> None:
    for name, frame in FRAMES["$defs"].items():
        if name.startswith("client."):
            assert frame["additionalProperties"] is False, name
        else:
            assert '"additionalProperties": false' not in json.dumps(frame), name


@pytest.mark.parametrize("path", ["/asyncapi.json", "/realtime.schema.json", "/reference_client.py"])
def test_clients_revalidate_the_document(sqlite_app: Flask, path: str) -> None:
    client = Client(sqlite_app)
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
