"""flask-smorest's blueprint, with Confab's way of reading bodies and queries."""

from __future__ import annotations

from typing import Any, NoReturn

import marshmallow as ma
from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser

from backend.errors import UnsupportedMediaType, ValidationFailed
from backend.http.json import read_json

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class Parser(FlaskParser):
    """Raises Confab's errors: 400 for broken JSON, 415 for another content type, 422 with the invalid fields."""

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        if getattr(schema, "may_be_absent", False) and not req.get_data(cache=True):
            return {}
        body = read_json(req)
        if not isinstance(body, dict):
            raise ValidationFailed("The body must be a JSON object.")
        return body

    def load_form(self, req: Request, schema: ma.Schema) -> Any:
        if req.mimetype != FORM:
            raise UnsupportedMediaType(f"Send the body as Content-Type: {FORM}.")
        return super().load_form(req, schema)

    def load_files(self, req: Request, schema: ma.Schema) -> Any:
        if req.mimetype != MULTIPART:
            raise UnsupportedMediaType(f"Send the body as Content-Type: {MULTIPART}.")
        extra = [name for name in schema.fields if len(req.files.getlist(name)) > 1] + [*req.form]
        if extra:
            raise ValidationFailed(errors=flat_messages({extra[0]: ["Unknown field, or given more than once."]}))
        return super().load_files(req, schema)

    def handle_error(self, error: ma.ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        # webargs groups the fields by where they came from ("json", "query"). Clients do not need that.
        errors: dict[str, list[str]] = {}
        for fields in error.normalized_messages().values():
            errors |= flat_messages(fields if isinstance(fields, dict) else {"_schema": fields})
        raise ValidationFailed(errors=errors) from None


def flat_messages(messages: dict[str, Any], prefix: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as one list for each field: `{"scopes.0": ["..."]}`."""
    flat: dict[str, list[str]] = {}
    for name, value in messages.items():
        # The name of an unknown field is the client's text, and may hold what UTF-8 cannot encode.
        key = prefix + str(name).encode("utf-8", "replace").decode()[:100]
        if isinstance(value, dict):
            flat.update(flat_messages(value, f"{key}."))
        else:
            flat[key.removesuffix("._schema")] = [str(v) for v in value]
    return flat


class Blueprint(SmorestBlueprint):
    """A blueprint whose views read their input with `Parser`."""

    ARGUMENTS_PARSER = Parser()

    def arguments(self, schema: ma.Schema | type[ma.Schema], **kwargs: Any) -> Any:
        """The library's decorator, with one schema for all requests: making a schema costs more than loading a body with it."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **kwargs)
