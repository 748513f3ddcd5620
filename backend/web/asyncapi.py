"""The AsyncAPI 3 document of the socket, made of `docs/realtime.schema.json`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

DESCRIPTION = """Every change in a user's conversations, once and in order, over one WebSocket.

The operations are those of the server: it receives `client.*` and sends `server.*`. Ignore types and fields that you do not know,
because later versions may add some."""

CLIENT, SERVER = "client.", "server."
ANSWERS = {
    "send": "ack", "edit": "ack", "react": "ack", "unreact": "ack",
    "delete": "ok", "typing": "ok", "read": "ok", "auth": "ok",
    "resume": "resumed", "ping": "pong",
}  # fmt: skip
"""The answer to each frame of a client that is processed. A refused one is answered with `error`."""

CHANNEL = {"$ref": "#/channels/socket"}
CORRELATION_ID = {"description": "A frame and its answer have the same id.", "location": "$message.payload#/id"}


def asyncapi_document(frames: dict[str, Any], version: str, public_url: str) -> dict[str, Any]:
    """The document of the server of *version* at *public_url*. *frames* is the JSON Schema of the frames."""
    schemas = _with_references_to_components(frames["$defs"])
    names = [name for name in schemas if name.startswith((CLIENT, SERVER))]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Confab's socket",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache License 2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"this": _server(public_url)},
        "channels": {"socket": _channel(names)},
        "operations": {name: _operation(name, schemas[name]["description"]) for name in names},
        "components": {
            "messages": {name: _message(name, schemas[name]) for name in names},
            # Each operation names its frames, so the choice of any frame is not needed.
            "schemas": {name: schema for name, schema in schemas.items() if name not in ("client", "server")},
            "securitySchemes": {
                "query": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "token",
                    "description": "An access token, an API token, or a ticket from POST /api/auth/ws-ticket.",
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": "An access token or an API token."},
            },
        },
    }


def _server(public_url: str) -> dict[str, Any]:
    url = urlsplit(public_url)
    schemes = [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("query", "bearer")]
    return {
        "host": url.netloc,
        "protocol": "wss" if url.scheme == "https" else "ws",
        "description": "This server",
        "security": schemes,
    }


def _channel(names: list[str]) -> dict[str, Any]:
    return {
        "address": "/ws/{client_id}",
        "description": "One socket of one device or tab.",
        "parameters": {
            "client_id": {
                "description": "Chosen by the client: 1 to 64 of `A-Z a-z 0-9 _ -`, one for each device or tab.",
                "examples": ["laptop-1"],
            }
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": {"token": {"type": "string"}}},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operation(name: str, description: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "receive" if name.startswith(CLIENT) else "send",
        "channel": CHANNEL,
        "summary": description,
        "messages": [_of_channel(name)],
    }
    if name.startswith(CLIENT):
        answers = (ANSWERS[name.removeprefix(CLIENT)], "error")
        operation["reply"] = {"channel": CHANNEL, "messages": [_of_channel(SERVER + answer) for answer in answers]}
    return operation


def _of_channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/socket/messages/{name}"}


def _message(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": schema["properties"]["type"]["const"],
        "summary": schema["description"],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
    if "id" in schema["properties"]:
        message["correlationId"] = CORRELATION_ID
    return message


def _with_references_to_components(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_references_to_components(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: value.replace("#/$defs/", "#/components/schemas/")
        if name == "$ref"
        else _with_references_to_components(value)
        for name, value in node.items()
    }
