"""The serialiser of messages, for REST, socket, sync and export alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from backend.database import Executor
from backend.messages.fields import ALIAS_FIELDS, DERIVED_FIELDS, GIVEN, MESSAGE_FIELDS, STORED_FIELDS, AliasField
from backend.messages.loaders import DerivedFields, RowsByMessage

_NAMES = tuple(field.name for field in STORED_FIELDS)
_HAS_EXTRAS = len(_NAMES)
"""The position of `has_extras` in a row: behind the fields."""

_ALIASES = tuple((field.name, field.of) for field in ALIAS_FIELDS)
_INITIAL: dict[str, Any] = {
    field.name: None if isinstance(field, AliasField) or field.initial is GIVEN else field.initial
    for field in MESSAGE_FIELDS
}
INITIAL_VALUES = {field.name: field.initial for field in STORED_FIELDS if field.initial is not GIVEN}
"""The stored fields of a new message that its sender does not determine."""

_DERIVED = DerivedFields([field.loader for field in DERIVED_FIELDS])
_SET_BY_OTHERS = {
    field.name: field.initial
    for field in MESSAGE_FIELDS
    if not isinstance(field, AliasField) and field.is_set_by_others
}


def messages_json(rows: Iterable[Sequence[Any]], viewer_id: int | None, executor: Executor) -> list[dict[str, Any]]:
    """Rows that begin with `MESSAGE_COLUMNS`, as message objects for *viewer_id*. A deleted message is a tombstone.

    Takes at most one query, however many rows there are.
    """
    return messages_and_rows(rows, viewer_id, executor)[0]


def messages_and_rows(
    rows: Iterable[Sequence[Any]], viewer_id: int | None, executor: Executor
) -> tuple[list[dict[str, Any]], dict[str, RowsByMessage]]:
    """Like `messages_json`, and for each derived field the rows that it was made of."""
    messages, rich = _stored_json(rows, viewer_id)
    found: dict[str, RowsByMessage] = {field.name: {} for field in DERIVED_FIELDS}
    if rich:
        for field, by_message in zip(DERIVED_FIELDS, _DERIVED.load(executor, rich), strict=True):
            found[field.name] = by_message
            for message_id, own in by_message.items():
                rich[message_id][field.name] = field.loader.value(own)
    return messages, found


def _stored_json(
    rows: Iterable[Sequence[Any]], viewer_id: int | None
) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    """The message objects with initial values in their derived fields, and those whose derived fields are to be loaded."""
    messages: list[dict[str, Any]] = []
    rich: dict[int, dict[str, Any]] = {}
    for row in rows:
        message = _INITIAL.copy()
        message.update(zip(_NAMES, row))  # noqa: B905  # strict=False makes the loop a quarter slower
        for alias, name in _ALIASES:
            message[alias] = message[name]
        if message["sender_id"] != viewer_id:
            message["client_message_id"] = None
        if message["deleted_at"] is not None:
            message["content"] = ""
        elif row[_HAS_EXTRAS]:
            rich[message["id"]] = message
        messages.append(message)
    return messages, rich


def new_message_json(row: dict[str, Any], **derived: Any) -> dict[str, Any]:
    """A message that is about to be written as *row* with the *derived* fields, as others than its sender see it."""
    values = {**INITIAL_VALUES, **row}
    return _stored_json([[*(values[name] for name in _NAMES), False]], None)[0][0] | derived


def as_sent(message: dict[str, Any]) -> dict[str, Any]:
    """A sender's own message without what others did to it, for a sender who may not read that."""
    return message | _SET_BY_OTHERS
