"""The reference client passes every case, and the scripted server keeps the contract while it does."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound

from conformance.case import Result
from tests.clients.adapters import REFERENCE, run_every_case
from tests.openapi.documented import Document


@pytest.fixture(scope="module")
def run() -> tuple[list[Result], list[str]]:
    return run_every_case(REFERENCE)


def test_every_case_passes(run: tuple[list[Result], list[str]]) -> None:
    results, _ = run
    assert {r.case.name: r.failure for r in results if r.failure} == {}
    assert {r.case.name: r.skipped for r in results if r.skipped} == {}, "the reference client has every capability"


def test_every_frame_is_as_the_schema_says(run: tuple[list[Result], list[str]]) -> None:
    """Those of the scripted server, and those of the client."""
    _, violations = run
    assert violations == []


def test_every_answer_is_as_the_openapi_document_says(run: tuple[list[Result], list[str]], app: Flask) -> None:
    """The scripted server's answers have the fields of the product's."""
    results, _ = run
    document, checked = Document(app), set()
    for entry in (entry for result in results for entry in result.trace.find("response")):
        method, path = entry.data["call"].split(" ")
        status, body = entry.data["status"], entry.data["body"]
        try:
            operation = document.find(method, path)
        except (NotFound, MethodNotAllowed):
            continue
        if operation is not None and body is not None:
            kind = "application/json" if status < 400 else "application/problem+json"
            document.validator(operation["operationId"], str(status), kind).validate(body)
            checked.add(operation["operationId"])
    assert len(checked) >= 8, checked
