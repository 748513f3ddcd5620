"""The declaration of a message's fields agrees with the table, the responses and the documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from backend.http.fields import CONVERSATION_ID_PATTERN
from backend.messages.fields import INSERT_COLUMNS, MESSAGE_FIELDS, STORED_FIELDS, message_schema
from backend.messages.schemas import MessageSchema
from backend.messages.serialise import INITIAL_VALUES
from backend.models import Message
from tests.factories import Factory
from tests.messages.changing import send

NAMES = {field.name for field in MESSAGE_FIELDS}
INTERNAL = {"has_extras", "request_hash", "updated_at"}
"""The columns that no client sees."""


def test_every_column_is_a_field_or_internal() -> None:
    assert {column.name for column in Message.__table__.c} == {field.name for field in STORED_FIELDS} | INTERNAL


def test_columns_that_are_not_inserted_start_with_the_declared_value() -> None:
    columns = {column.name: column for column in Message.__table__.c if column.name not in INSERT_COLUMNS}
    assert set(columns) == set(INITIAL_VALUES)
    for name, value in INITIAL_VALUES.items():
        column = columns[name]
        if value is None:
            assert column.nullable
        else:
            assert column.default.arg == value
            assert column.server_default is not None


def test_responses_and_documents_have_the_declared_fields(make: Factory) -> None:
    frames: dict[str, Any] = json.loads(Path("docs/realtime.schema.json").read_text())
    assert set(MessageSchema().fields) == NAMES
    assert set(frames["$defs"]["message"]["properties"]) == NAMES
    assert set(send(make.client(), client_message_id="k")) == NAMES


def test_a_response_describes_each_field() -> None:
    schema = message_schema()
    assert schema["conversation_id"].metadata == {"example": "room:7", "pattern": CONVERSATION_ID_PATTERN}
    assert schema["seq"].metadata == {"description": "Its place in the conversation: 1, 2, 3, …"}
    assert schema["id"].metadata == {}
    nullable = {name for name, field in schema.items() if field.allow_none}
    assert nullable == {"room_id", "recipient_id", "parent_id", "edited_at", "deleted_at", "client_message_id"}
    assert type(schema["timestamp"]) is type(schema["created_at"])
    lengths = {name: [rule.max for rule in field.validators] for name, field in schema.items() if field.validators}  # type: ignore[attr-defined]
    assert lengths == {"conversation_id": [100], "client_message_id": [64]}
    assert schema.keys() == NAMES


def test_the_fields_that_users_other_than_the_sender_change() -> None:
    changed = {field.name for field in MESSAGE_FIELDS if getattr(field, "is_set_by_others", False)}
    assert changed == {"is_read", "reactions", "reply_count", "is_pinned"}
