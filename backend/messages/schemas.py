"""Schemas of requests and responses about messages and conversations."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates, validates_schema

from backend.http.fields import (
    CONVERSATION_ID_PATTERN,
    AnswerSchema,
    BodySchema,
    Id,
    StrictBoolean,
    Text,
    Time,
    WholeNumber,
)
from backend.http.pagination import PageArgs
from backend.messages.fields import message_schema
from backend.rooms.schemas import RoomSchema
from backend.users.schemas import UserSchema

MAX_CONTENT = 4_000
MAX_ATTACHMENTS = 10
MAX_QUERY = 200
MAX_CONVERSATIONS = 10_000
MAX_CONVERSATION_ID = 100
ADDRESSES = ("conversation_id", "room_id", "recipient_id")


def _one_address(data: dict[str, Any]) -> None:
    given = [name for name in ADDRESSES if data.get(name) is not None]
    if len(given) > 1:
        raise ValidationError({name: ["Give one of " + ", ".join(ADDRESSES) + "."] for name in given})


class RoomMessageSendSchema(BodySchema):
    """A message for a room whose id is in the path."""

    content = Text(
        load_default="",
        high=MAX_CONTENT,
        metadata={"description": "1 to 4,000 characters, kept as sent. Blank or left out only with attachments."},
    )
    parent_id = Id(
        allow_none=True, load_default=None, metadata={"description": "The message that this one replies to."}
    )
    client_message_id = Text(
        low=1, high=64, allow_none=True, load_default=None, metadata={"description": "Makes the send safe to repeat."}
    )

    attachment_ids = fields.List(
        Id(),
        load_default=list,
        validate=validate.Length(max=MAX_ATTACHMENTS),
        metadata={"description": "Files that you uploaded and did not send yet, in the order in which they are shown."},
    )

    @validates_schema
    def _not_blank(self, data: dict[str, Any], **_: Any) -> None:
        if not data["content"].strip() and not data["attachment_ids"]:
            raise ValidationError("A message needs content.", "content")

    @validates("attachment_ids")
    def _each_once(self, ids: list[int], **_: Any) -> None:
        if len(set(ids)) < len(ids):
            raise ValidationError("Name each attachment once.")


class MessageSendSchema(RoomMessageSendSchema):
    """A message with at most one of three addresses. Without one it goes to the lobby."""

    conversation_id = Text(high=MAX_CONVERSATION_ID, allow_none=True, load_default=None)
    room_id = Id(allow_none=True, load_default=None)
    recipient_id = Id(allow_none=True, load_default=None)

    @validates_schema
    def _check_address(self, data: dict[str, Any], **_: Any) -> None:
        _one_address(data)


class CursorArgs(PageArgs):
    """Paging within one conversation: by seq, or by skip and limit."""

    before = WholeNumber(load_default=None, metadata={"description": "Only messages with a smaller seq."})
    after = WholeNumber(load_default=None, metadata={"description": "Only messages with a greater seq, oldest first."})
    around = WholeNumber(load_default=None, metadata={"description": "The messages on both sides of this seq."})
    pinned = StrictBoolean(load_default=False, metadata={"description": "Only the pinned messages."})

    @validates_schema
    def _one_cursor(self, data: dict[str, Any], **_: Any) -> None:
        given = [name for name in ("before", "after", "around") if data.get(name) is not None]
        if len(given) > 1:
            raise ValidationError({name: ["Give one of before, after, around."] for name in given})


class MessageArgs(CursorArgs):
    """Filters of a list of messages."""

    conversation_id = Text(high=MAX_CONVERSATION_ID, load_default=None)
    room_id = Id(load_default=None)
    recipient_id = Id(load_default=None)

    @validates_schema
    def _check_address(self, data: dict[str, Any], **_: Any) -> None:
        _one_address(data)


class SearchArgs(PageArgs):
    """A query, and filters of the messages that it searches."""

    q = Text(
        required=True,
        low=1,
        high=MAX_QUERY,
        metadata={
            "description": "Words, and phrases in double quotes: all must occur, in the content or in the name of an attachment. "
            "The last word may be the beginning of one. Case and diacritics make no difference, and no character is an "
            "operator or an error. Chinese, Japanese, Korean and Thai are found by any run of characters.",
            "example": 'cafe "two words"',
        },
    )
    conversation_id = Text(high=MAX_CONVERSATION_ID, load_default=None)
    sender_id = Id(load_default=None)
    before = Time(load_default=None, metadata={"description": "Only messages that were sent before this time."})
    after = Time(load_default=None, metadata={"description": "Only messages that were sent after this time."})
    has = Text(
        load_default=None,
        validate=validate.OneOf(["attachment"]),
        metadata={"description": "Only messages with attachments."},
    )


class ReadMarkSchema(BodySchema):
    seq = WholeNumber(required=True, metadata={"description": "The last seq that was read."})


class UnreadMarkSchema(BodySchema):
    seq = WholeNumber(low=1, required=True, metadata={"description": "The first seq that is unread again."})


class ConversationSettingsSchema(BodySchema):
    is_muted = StrictBoolean()
    is_pinned = StrictBoolean()


class SyncRequestSchema(BodySchema):
    conversations = fields.Dict(
        keys=Text(high=MAX_CONVERSATION_ID),
        values=WholeNumber(),
        load_default=dict,
        metadata={"description": "The last modseq that was seen, by conversation id.", "example": {"room:7": 120}},
    )

    @validates_schema
    def _not_too_many(self, data: dict[str, Any], **_: Any) -> None:
        if len(data.get("conversations", ())) > MAX_CONVERSATIONS:
            raise ValidationError(f"At most {MAX_CONVERSATIONS} conversations.", "conversations")


class MessageSchema(AnswerSchema):
    """A message."""

    class Meta(AnswerSchema.Meta):
        include = message_schema()


class FoundMessageSchema(MessageSchema):
    """A message that matches a query."""

    highlights = fields.List(
        fields.List(fields.Integer(), validate=validate.Length(equal=2)),
        metadata={
            "description": "Where in the content it matches: [start, length] in code points, sorted, none touching another. "
            "Empty where the names of attachments alone match.",
            "example": [[0, 4]],
        },
    )


class ConversationSchema(AnswerSchema):
    """A row of the inbox. Rooms have `room`, and direct conversations have `user`."""

    conditional = ("room", "user")

    id = fields.String(metadata={"example": "dm:3:9", "pattern": CONVERSATION_ID_PATTERN})
    kind = fields.String(metadata={"enum": ["lobby", "room", "dm"]})
    room = fields.Nested(RoomSchema, metadata={"description": "Only for rooms."})
    user = fields.Nested(UserSchema, metadata={"description": "Only for direct conversations: the other user."})
    last_seq = fields.Integer()
    last_modseq = fields.Integer()
    last_read_seq = fields.Integer()
    unread_count = fields.Integer()
    mention_count = fields.Integer()
    last_message = fields.Nested(MessageSchema, allow_none=True)
    is_muted = fields.Boolean()
    is_pinned = fields.Boolean()


class RoomMembershipSchema(AnswerSchema):
    """A membership of a room, which may have ended."""

    user = fields.Nested(UserSchema)
    user_id = fields.Integer()
    room_id = fields.Integer()
    modseq = fields.Integer(metadata={"description": "The number of its last change in the conversation."})
    is_admin = fields.Boolean()
    joined_at = fields.DateTime()
    left_at = fields.DateTime(allow_none=True, metadata={"description": "Null while the user is a member."})


class ConversationChangesSchema(AnswerSchema):
    """The changes of one conversation."""

    id = fields.String(metadata={"example": "room:7", "pattern": CONVERSATION_ID_PATTERN})
    last_seq = fields.Integer()
    last_modseq = fields.Integer()
    last_read_seq = fields.Integer()
    unread_count = fields.Integer()
    messages = fields.List(fields.Nested(MessageSchema), metadata={"description": "By modseq."})
    members = fields.List(
        fields.Nested(RoomMembershipSchema), metadata={"description": "Memberships that changed, by modseq."}
    )
    truncated = fields.Boolean(metadata={"description": "Ask again from the last message's modseq."})


class SyncAnswerSchema(AnswerSchema):
    conversations = fields.List(fields.Nested(ConversationChangesSchema))
    gone = fields.List(
        fields.String(validate=validate.Length(max=MAX_CONVERSATION_ID)),
        metadata={"description": "Ids in the request that you may not read (any more)."},
    )
