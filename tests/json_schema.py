"""JSON Schema for tests."""

from __future__ import annotations

from collections.abc import Iterator
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


def check_references(document: dict[str, Any]) -> list[str]:
    """Check that every `$ref` of *document* has a target in it, and return them all. Raises KeyError."""
    found = list(_references(document))
    for reference in found:
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
