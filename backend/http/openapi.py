"""The OpenAPI document: served by flask-smorest, completed with what every operation shares."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from apispec import APISpec
from flask import Flask
from flask_smorest import Api

from backend.http.requests import IdConverter

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "What clients branch on."},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        "request_id": {"type": "string", "nullable": True},
    },
}


class ProblemApi(Api):
    """The API's document. Errors are ours (`backend.http.errors`), so the library registers no handler of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.register_converter(IdConverter, _id_parameter)

    def init_app(self, app: Flask, **kwargs: Any) -> None:
        """Bind to *app* and describe what every operation has in common."""
        app.config.update(
            API_TITLE="Confab",
            API_VERSION=app.config["VERSION"],
            OPENAPI_VERSION="3.0.3",
            OPENAPI_URL_PREFIX="/",
            OPENAPI_JSON_PATH="openapi.json",
        )
        super().init_app(app, **kwargs)
        spec: APISpec = self.spec
        spec.components.security_scheme(
            "bearer", {"type": "http", "scheme": "bearer", "description": "An access token or an API token."}
        )
        spec.components.security_scheme(
            "password", {"type": "oauth2", "flows": {"password": {"tokenUrl": "/token", "scopes": {}}}}
        )

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        self.spec.components.schema("Problem", component=PROBLEM)
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for status in HTTPStatus:
            self.spec.components.response(status.name, {"description": status.phrase, "content": content}, lazy=True)


def _id_parameter(_converter: IdConverter) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**63 - 1}
