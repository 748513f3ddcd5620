"""The OpenAPI document. flask-smorest makes it, and this module adds what all operations share."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import Any, ClassVar

from apispec import APISpec
from flask import Flask
from flask_smorest import Api, Blueprint
from werkzeug import Response
from werkzeug.exceptions import HTTPException

from backend.http.errors import http_exception
from backend.http.json import document_response, encode
from backend.http.openapi_fields import document_integer, omit_default_of_body
from backend.http.operations import complete
from backend.http.requests import IdConverter
from backend.state import confab_state

DESCRIPTION = """Accounts, rooms, direct messages and their history, over REST.

**Authorize** signs in with a username or an email and its password. Every failure is `application/problem+json` (RFC 9457):
branch on its `code`. Lists are bare arrays. If there are more items, the `Link` header has the URL of the next page."""

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "format": "int32"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The kind of the error. Clients branch on it."},
        "errors": {
            "type": "object",
            "description": "The messages for each invalid field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": ["string", "null"]},
    },
    "example": {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "This does not exist, or you do not have access to it.",
        "code": "not_found",
        "request_id": "1c7f0a9e5b3d4f60",
    },
}


class ProblemApi(Api):
    """The API of one application and its document, at `/openapi.json` unless DOCS is off.

    Errors are those of `backend.http.errors`. The views of a blueprint are described when `spec` is read: that takes as long as
    everything else in the making of an application, and most processes never serve the document.
    """

    ERROR_SCHEMA: ClassVar = {"$ref": "#/components/schemas/Problem"}
    DEFAULT_ERROR_RESPONSE_NAME = None  # the failures of an operation are listed one by one

    def __init__(self) -> None:
        self._spec: Any = None
        self._undescribed: list[Blueprint] = []
        self._describing = RLock()
        super().__init__()
        self.register_converter(IdConverter, _id_parameter)

    def init_app(self, app: Flask, **kwargs: Any) -> None:
        """Bind to *app*, and describe what all operations share."""
        app.config.update(
            API_TITLE="Confab",
            API_VERSION=app.config["VERSION"],
            OPENAPI_VERSION="3.1.0",
            API_SPEC_OPTIONS={
                "info": {
                    "description": DESCRIPTION,
                    "contact": {"name": "The operator of this server"},
                    "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
                },
                "servers": [{"url": "/", "description": "This server"}],
            },
        )
        super().init_app(app, **kwargs)
        for function in (document_integer, omit_default_of_body):
            self.ma_plugin.converter.add_attribute_function(function)
        spec: APISpec = self.spec
        spec.components.schema("Problem", component=PROBLEM)
        # Swagger UI asks for these in this order: the password first.
        spec.components.security_scheme(
            "password",
            {
                "type": "oauth2",
                "description": "A username or email, and the password.",
                "flows": {"password": {"tokenUrl": "/token", "scopes": {}}},
            },
        )
        spec.components.security_scheme(
            "bearer", {"type": "http", "scheme": "bearer", "description": "An access token or an API token."}
        )
        spec.components.security_scheme(
            "metrics", {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN. No other token is accepted."}
        )

        if app.config["CONFAB"].has_docs:
            app.add_url_rule("/openapi.json", "openapi_json", self._serve)

    @property
    def spec(self) -> Any:
        """The APISpec with every blueprint that was registered. None before `init_app`."""
        with self._describing:
            while self._undescribed:
                blueprint = self._undescribed.pop(0)
                blueprint.register_views_in_doc(self, self._app, self._spec, name=blueprint.name, parameters=None)
                self._spec.tag({"name": blueprint.name, "description": blueprint.description})
        return self._spec

    @spec.setter
    def spec(self, value: Any) -> None:
        self._spec = value

    def register_blueprint(self, blp: Blueprint) -> None:
        """Add the views of *blp* to the application."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp)
        self._undescribed.append(blp)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """The library registers this method as the handler of HTTPException."""
        return http_exception(error)

    def document(self) -> dict[str, Any]:
        """The whole OpenAPI document."""
        return complete(self.spec.to_dict(), self._app.url_map)

    @cached_property
    def _encoded(self) -> bytes:
        return encode(self.document())

    def _serve(self) -> Response:
        return document_response(self._encoded)


def document(app: Flask) -> dict[str, Any]:
    """The whole OpenAPI document of *app*."""
    return confab_state(app).api.document()


def _id_parameter(_converter: IdConverter) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**63 - 1}
