"""The fields of the message object, declared once.

From this list follow the columns that are selected and inserted, the serialiser, and the response schema. A new field needs its
entry here, and either a column of `messages` or a loader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from marshmallow import fields, validate
from sqlalchemy import Table

from backend.http.fields import CONVERSATION_ID_PATTERN
from backend.messages.loaders import ATTACHMENTS, MENTIONS, REACTIONS, Loader
from backend.messages.schemas_attachments import AttachmentSchema
from backend.messages.schemas_reactions import MessageReactionSchema
from backend.models import Message

GIVEN = object()
"""The initial value of a column that each new message is inserted with."""


@dataclass(frozen=True)
class StoredField:
    """A field that is a column of `messages`, with the same name.

    `initial` is the value that a new message starts with, which is also the column's default; or `GIVEN`. `is_set_by_others`
    tells that users other than the sender change it. `pattern` and `example` are documented.
    """

    name: str
    description: str = ""
    example: Any = None
    pattern: str | None = None
    initial: Any = GIVEN
    is_set_by_others: bool = False


@dataclass(frozen=True)
class AliasField:
    """A field that repeats the field *of* under a second name."""

    name: str
    of: str


@dataclass(frozen=True)
class DerivedField:
    """A field that `loader` makes of the rows of another table. Messages without rows have `initial`, which is immutable.

    It is loaded for messages with `has_extras`. Whoever writes to the loader's table sets that column.
    """

    name: str
    loader: Loader
    schema: fields.Field[Any]
    initial: Any = ()
    is_set_by_others: bool = False


MESSAGE_FIELDS: tuple[StoredField | AliasField | DerivedField, ...] = (
    StoredField("id"),
    StoredField("conversation_id", example="room:7", pattern=CONVERSATION_ID_PATTERN),
    StoredField("seq", "Its place in the conversation: 1, 2, 3, …"),
    StoredField("modseq", "The number of its last change in the conversation."),
    StoredField("sender_id"),
    StoredField("room_id"),
    StoredField("recipient_id"),
    StoredField("parent_id"),
    StoredField("content"),
    AliasField("timestamp", of="created_at"),
    StoredField("created_at"),
    StoredField("edited_at", initial=None),
    StoredField("deleted_at", initial=None),
    StoredField("is_read", initial=False, is_set_by_others=True),
    DerivedField("reactions", REACTIONS, fields.List(fields.Nested(MessageReactionSchema)), is_set_by_others=True),
    DerivedField("attachments", ATTACHMENTS, fields.List(fields.Nested(AttachmentSchema))),
    StoredField("reply_count", initial=0, is_set_by_others=True),
    DerivedField("mentions", MENTIONS, fields.List(fields.Integer())),
    StoredField("mentions_room", "Whether it mentions every member of its room (`@room`, written by an admin)."),
    StoredField("is_pinned", initial=False, is_set_by_others=True),
    StoredField("client_message_id", "To its sender alone."),
)

STORED_FIELDS = tuple(field for field in MESSAGE_FIELDS if isinstance(field, StoredField))
ALIAS_FIELDS = tuple(field for field in MESSAGE_FIELDS if isinstance(field, AliasField))
DERIVED_FIELDS = tuple(field for field in MESSAGE_FIELDS if isinstance(field, DerivedField))

_table = cast(Table, Message.__table__)

MESSAGE_COLUMNS = (*(_table.c[field.name] for field in STORED_FIELDS), _table.c.has_extras)
"""What a row must begin with to be serialised, in this order."""

INSERT_COLUMNS = (
    *(field.name for field in STORED_FIELDS if field.initial is GIVEN), "request_hash", "has_extras", "updated_at"
)  # fmt: skip
"""The columns that each new message is inserted with. The other columns start with their defaults."""

_SCHEMA_TYPES: dict[type, Callable[..., fields.Field[Any]]] = {
    int: fields.Integer,
    str: fields.String,
    bool: fields.Boolean,
    datetime: fields.DateTime,
}


def message_schema() -> dict[str, fields.Field[Any]]:
    """The marshmallow fields of a response, by name."""
    described = {field.name: field for field in STORED_FIELDS}
    found = {}
    for field in MESSAGE_FIELDS:
        if isinstance(field, DerivedField):
            found[field.name] = field.schema
        else:
            found[field.name] = _schema_of(described[field.of if isinstance(field, AliasField) else field.name])
    return found


def _schema_of(field: StoredField) -> fields.Field[Any]:
    column = _table.c[field.name]
    facts = {"description": field.description or None, "example": field.example, "pattern": field.pattern}
    metadata = {name: value for name, value in facts.items() if value is not None}
    nullable = {"allow_none": True} if column.nullable else {}
    length = getattr(column.type, "length", None)
    validators = [validate.Length(max=length)] if length else []
    return _SCHEMA_TYPES[column.type.python_type](**nullable, validate=validators, metadata=metadata)
