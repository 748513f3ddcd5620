"""The OpenAPI document: made by flask-smorest, completed here with what every operation shares."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from apispec import APISpec
from flask import Flask, current_app, request
from flask_smorest import Api
from werkzeug import Response

from backend.http.json import encode
from backend.http.operations import complete, failure
from backend.http.requests import IdConverter

DESCRIPTION = """Accounts, rooms, direct messages and their history, over REST.

**Authorize** signs in with a username or an email and its password. Every failure is `application/problem+json` (RFC 9457):
branch on its `code`. Lists are bare arrays; where more is behind one, its `Link` header leads there."""

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "What clients branch on."},
        "errors": {
            "type": "object",
            "description": "What is wrong with each field, where fields are at fault.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": "string", "nullable": True},
    },
    "example": {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such thing, or you may not see it.",
        "code": "not_found",
        "request_id": "1c7f0a9e5b3d4f60",
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
            API_SPEC_OPTIONS={
                "info": {
                    "description": DESCRIPTION,
                    "contact": {"name": "Whoever operates this server"},
                    "license": {"name": "Apache License 2.0"},
                },
                "servers": [{"url": "/", "description": "This server"}],
            },
        )
        super().init_app(app, **kwargs)
        spec: APISpec = self.spec
        app.extensions["confab-spec"] = spec
        spec.components.security_scheme(
            "bearer", {"type": "http", "scheme": "bearer", "description": "An access token or an API token."}
        )
        spec.components.security_scheme(
            "metrics", {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN, and no other token."}
        )
        spec.components.security_scheme(
            "password",
            {
                "type": "oauth2",
                "description": "A username or an email, and its password.",
                "flows": {"password": {"tokenUrl": "/token", "scopes": {}}},
            },
        )

    def _openapi_json(self) -> Response:
        """The document of the application that is asked: the library would serve that of the one made last."""
        extensions = current_app.extensions
        if "confab-openapi" not in extensions:
            extensions["confab-openapi"] = encode(document(current_app))
        response = current_app.response_class(extensions["confab-openapi"], mimetype="application/json")
        response.cache_control.no_cache = True
        response.add_etag()
        return response.make_conditional(request)

    def _register_error_handlers(self) -> None:
        pass

    def _register_etag_headers(self) -> None:
        pass  # nor for headers that no answer of ours has

    def _register_pagination_header(self) -> None:
        pass

    def _register_responses(self) -> None:
        self.spec.components.schema("Problem", component=PROBLEM)
        for status in HTTPStatus:
            self.spec.components.response(status.name, failure(status), lazy=True)


def document(app: Flask) -> dict[str, Any]:
    """The whole OpenAPI document of *app*."""
    return complete(app.extensions["confab-spec"].to_dict(), app.url_map)


def _id_parameter(_converter: IdConverter) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**63 - 1}
