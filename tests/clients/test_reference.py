"""The reference client passes every case, and the scripted server keeps the contract while it does."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound

from conformance.case import Result
from tests.clients.adapters import REFERENCE, run_every_case
from tests.openapi.documented import Document


def test_every_case_passes_with_frames_and_answers_as_documented(sqlite_app: Flask) -> None:
    """A single test, because a run of all cases takes half a minute, and each worker would make its own.

    The frames are those of the scripted server and those of the client. The answers have the fields of the product's.
    """
    results, violations = run_every_case(REFERENCE)
    assert {r.case.name: r.failure for r in results if r.failure} == {}
    assert {r.case.name: r.skipped for r in results if r.skipped} == {}, "the reference client has every capability"
    assert violations == []
    checked = check_answers(results, Document(sqlite_app))
    assert len(checked) >= 8, checked


def check_answers(results: Iterable[Result], document: Document) -> set[str]:
    """Check every answer of the scripted server against the OpenAPI document. Returns the operations that were checked."""
    checked = set()
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
    return checked
