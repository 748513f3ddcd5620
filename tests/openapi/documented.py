"""A client of the API that compares every answer with the OpenAPI document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.test import TestResponse

from backend.http.openapi import document
from tests.client import Client
from tests.json_schema import closed

PARAMETER, IN_BRACES = re.compile("<(?:[^:<>]+:)?([^<>]+)>"), r"{\1}"


class Document:
    """The document of *app*, with a validator for each answer."""

    def __init__(self, app: Flask):
        self.app = app
        self.content = document(app)
        self.components = closed(self.content["components"])
        self.validator = cache(self._make_validator)

    def find(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that serves *path*."""
        rule, _ = self.app.url_map.bind("").match(path.partition("?")[0], method, return_rule=True)
        item = self.content["paths"].get(PARAMETER.sub(IN_BRACES, rule.rule), {})
        operation: dict[str, Any] | None = item.get(method.lower())
        return operation

    def _make_validator(self, operation_id: str, status: str, mimetype: str) -> jsonschema_rs.Draft202012Validator:
        operation = next(
            operation
            for item in self.content["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict) and operation["operationId"] == operation_id
        )
        answer = operation["responses"][status]
        if "$ref" in answer:
            answer = self.content["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        schema = answer["content"][mimetype]["schema"]
        return jsonschema_rs.Draft202012Validator(
            {**schema, "components": self.components}, validate_formats=True, ignore_unknown_formats=True
        )


class DocumentedClient(Client):
    """A client whose answers are as the document says: each required field is present, and each field is documented.

    `seen` has the ids of the operations that answered with JSON and success.
    """

    def __init__(self, app: Flask, token: str | None = None):
        super().__init__(app, token)
        self.document = Document(app)
        self.seen: set[str] = set()

    def request(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        response = super().request(method, path, json, **kwargs)
        operation = self.document.find(method, path)
        if operation is not None and response.is_json:
            status = str(response.status_code)
            self.document.validator(operation["operationId"], status, response.mimetype).validate(response.json)
            if response.status_code < 300:
                self.seen.add(operation["operationId"])
        return response

    def signed_in(self, token: str | None) -> DocumentedClient:
        """A client with *token*, that shares the document and `seen`."""
        other = DocumentedClient.__new__(DocumentedClient)
        Client.__init__(other, self.app, token)
        other.document, other.seen = self.document, self.seen
        return other
