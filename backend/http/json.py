"""Encoding and decoding JSON. Times are written as RFC 3339 with `Z`. Decoding checks the syntax only.

A lone surrogate is an error of a field (422), not of the syntax (400). So text that orjson refuses is decoded again by the
standard library, which accepts lone surrogates; the field then refuses them.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson
from flask import Request, Response, current_app, request
from flask.json.provider import JSONProvider

from backend.errors import MalformedJson, UnsupportedMediaType

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(value: Any) -> bytes:
    """*value* as JSON in UTF-8."""
    return orjson.dumps(value, option=OPTIONS)


def document_response(encoded: bytes, mimetype: str = "application/json") -> Response:
    """A response with an *encoded* document that changes with releases only: clients revalidate it each time."""
    response = current_app.response_class(encoded, mimetype=mimetype)
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response


def decode(data: bytes) -> Any:
    """The value of the JSON text *data*. Raises MalformedJson for what RFC 8259 does not allow, including NaN."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedJson from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_json(request: Request) -> Any:
    """The decoded body of *request*. Raises UnsupportedMediaType if its content type is not JSON, and MalformedJson."""
    kind = request.mimetype
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType
    return decode(request.get_data(cache=True))


class OrjsonProvider(JSONProvider):
    """Makes Flask use `encode` and `decode`."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return encode(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return decode(s.encode() if isinstance(s, str) else s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return current_app.response_class(encode(self._prepare_response_obj(args, kwargs)), mimetype="application/json")
