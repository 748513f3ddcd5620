"""How fields of schemas are documented, beyond what apispec derives from marshmallow."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from backend.http.fields import BodySchema

INT32 = 2**31


def document_integer(_converter: Any, field: fields.Field[Any], *, ret: dict[str, Any], **_: Any) -> dict[str, str]:
    """The format of a whole number: int64, unless its maximum fits into 32 bits. Ids and counters are 64-bit columns.

    apispec calls this for each field, with its converter, and with what it has documented of the field so far in *ret*.
    """
    if not isinstance(field, fields.Integer):
        return {}
    return {"format": "int32" if ret.get("maximum", INT32) < INT32 else "int64"}


def omit_default_of_body(_converter: Any, field: fields.Field[Any], *, ret: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Leave out the default of a field of a request body. openapi-typescript would require the field.

    The description of a field tells its default, if it is not empty.
    """
    if isinstance(field.parent, BodySchema):
        ret.pop("default", None)
    return {}
