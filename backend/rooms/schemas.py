"""Schemas of requests and responses about rooms."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.http.fields import (
    CONVERSATION_ID_PATTERN,
    AnswerSchema,
    BodySchema,
    Id,
    Line,
    StrictBoolean,
    Text,
    WholeNumber,
)
from backend.http.pagination import PageArgs
from backend.rooms.invites import DEFAULT_SECONDS, MAX_SECONDS, MAX_USES
from backend.users.schemas import MAX_QUERY, PublicUserSchema

MAX_NAME = 100
MAX_DESCRIPTION = 4_000
MAX_CODE = 100


class RoomSchema(AnswerSchema):
    """A room. Members also get their own `is_admin` and `joined_at`."""

    conditional = ("is_admin", "joined_at")

    id = fields.Integer()
    name = fields.String(validate=validate.Length(max=MAX_NAME))
    description = fields.String(allow_none=True)
    is_public = fields.Boolean()
    owner_id = fields.Integer()
    member_count = fields.Integer()
    conversation_id = fields.String(metadata={"example": "room:7", "pattern": CONVERSATION_ID_PATTERN})
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    is_admin = fields.Boolean(metadata={"description": "Only for members."})
    joined_at = fields.DateTime(metadata={"description": "Only for members."})


class RoomMemberSchema(AnswerSchema):
    """A member of a room."""

    user = fields.Nested(PublicUserSchema)
    is_admin = fields.Boolean()
    joined_at = fields.DateTime()


class ChangedRoomMemberSchema(RoomMemberSchema):
    """A member, as an admin sees it after a change."""

    is_banned = fields.Boolean()


class RoomListArgs(PageArgs):
    """Filters of the list of rooms."""

    mine = StrictBoolean(load_default=False, metadata={"description": "Only rooms that the caller is a member of."})
    q = Text(
        high=MAX_QUERY,
        load_default="",
        metadata={"description": "A part of the name or description, in any case. It is not a pattern."},
    )


class MemberListArgs(PageArgs):
    """Filters of the list of members."""

    banned = StrictBoolean(load_default=False, metadata={"description": "List banned users instead. For admins."})


class RoomBody(BodySchema):
    """A new room."""

    name = Line(low=1, high=MAX_NAME, strip=True, required=True)
    description = Text(high=MAX_DESCRIPTION, allow_none=True)
    is_public = StrictBoolean()


class RoomChangesBody(RoomBody):
    """Changes of a room. A `description` of null removes it."""

    name = Line(low=1, high=MAX_NAME, strip=True)


class NewRoomMemberBody(BodySchema):
    """Options for adding a member."""

    may_be_absent = True

    is_admin = StrictBoolean()


class RoomMemberChangesBody(BodySchema):
    """Changes of a member."""

    is_admin = StrictBoolean()
    is_banned = StrictBoolean()

    @validates_schema
    def _not_both(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("is_admin") and data.get("is_banned"):
            raise ValidationError("A user cannot be banned and an admin at the same time.", "is_admin")


class RoomTransferBody(BodySchema):
    """The new owner of the room."""

    user_id = Id(required=True)


class RoomInviteBody(BodySchema):
    """Lifetime and number of uses of a new invite."""

    may_be_absent = True

    expires_in = WholeNumber(
        low=1,
        high=MAX_SECONDS,
        allow_none=True,
        load_default=DEFAULT_SECONDS,
        metadata={"description": "Seconds; seven days by default. Null: it does not expire."},
    )
    max_uses = WholeNumber(
        low=1, high=MAX_USES, allow_none=True, metadata={"description": "Without it the number of uses is unlimited."}
    )


class RoomInviteSchema(AnswerSchema):
    """An invite."""

    code = fields.String(
        allow_none=True,
        validate=validate.Length(max=MAX_CODE),
        metadata={"description": "Null in lists if SECRET_KEY has changed."},
    )
    url = fields.String(allow_none=True, metadata={"format": "uri"})
    expires_at = fields.AwareDateTime(allow_none=True)
    max_uses = fields.Integer(allow_none=True)
    uses = fields.Integer()


class JoinByCodeBody(BodySchema):
    """The code of an invite."""

    code = Text(low=1, high=MAX_CODE, required=True)
