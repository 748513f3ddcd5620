"""JSON Schema for tests."""

from __future__ import annotations

from typing import Any


def closed(node: Any) -> Any:
    """*node*, a schema or a part of one, with documented fields only in each object that documents its fields.

    Clients must ignore unknown fields, so documents allow them. A test finds a field that is not documented with this.
    """
    if isinstance(node, list):
        return [closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    schema = {name: closed(value) for name, value in node.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        schema.setdefault("additionalProperties", False)
    return schema
