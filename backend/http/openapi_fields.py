"""How fields of schemas are documented, beyond what apispec derives from marshmallow.

apispec calls these functions for each field, with the property that it has documented so far in *ret*. Their first argument is
its converter.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

INT32 = 2**31


def document_integer(_converter: Any, field: fields.Field[Any], *, ret: dict[str, Any], **_: Any) -> dict[str, str]:
    """The format of a whole number: int64, unless its maximum fits into 32 bits. Ids and counters are 64-bit columns."""
    if not isinstance(field, fields.Integer):
        return {}
    return {"format": "int32" if ret.get("maximum", INT32) < INT32 else "int64"}


def document_nullable_object(
    _converter: Any, field: fields.Field[Any], *, ret: dict[str, Any], **_: Any
) -> dict[str, Any]:
    """A reference that may be null. apispec documents it as a choice of any object or the referred one."""
    if not field.allow_none or "anyOf" not in ret:
        return {}
    references = [choice for choice in ret.pop("anyOf") if "$ref" in choice]
    return {"type": "object", "allOf": references, "nullable": True}


ATTRIBUTE_FUNCTIONS = (document_integer, document_nullable_object)
