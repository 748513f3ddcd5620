"""Bodies, queries and answers about rooms."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from backend.http.fields import AnswerSchema, BodySchema, Id, Line, StrictBoolean, Text, WholeNumber
from backend.http.pagination import PageArgs
from backend.rooms.invites import DEFAULT_SECONDS, MAX_SECONDS, MAX_USES
from backend.users.schemas import MAX_QUERY, PublicUserSchema

MAX_NAME = 100
MAX_DESCRIPTION = 4_000
MAX_CODE = 100


class RoomSchema(AnswerSchema):
    """A room. `is_admin` and `joined_at` are the caller's own, and there for members alone."""

    id = fields.Integer()
    name = fields.String()
    description = fields.String(allow_none=True)
    is_public = fields.Boolean()
    owner_id = fields.Integer()
    member_count = fields.Integer()
    conversation_id = fields.String(metadata={"example": "room:7"})
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    is_admin = fields.Boolean(metadata={"description": "To a member alone."})
    joined_at = fields.DateTime(metadata={"description": "To a member alone."})


class MemberSchema(AnswerSchema):
    """A member of a room."""

    user = fields.Nested(PublicUserSchema)
    is_admin = fields.Boolean()
    joined_at = fields.DateTime()


class MemberChangedSchema(MemberSchema):
    """A member after an admin's change."""

    is_banned = fields.Boolean()


class RoomListArgs(PageArgs):
    """Which rooms are listed."""

    mine = StrictBoolean(load_default=False, metadata={"description": "Only rooms that the caller is a member of."})
    q = Text(
        high=MAX_QUERY,
        load_default="",
        metadata={"description": "Part of a name or description, in any case; not a pattern."},
    )


class MemberListArgs(PageArgs):
    """Which members are listed."""

    banned = StrictBoolean(load_default=False, metadata={"description": "Instead, who is banned; for admins."})


class RoomBody(BodySchema):
    """A new room."""

    name = Line(low=1, high=MAX_NAME, strip=True, required=True)
    description = Text(high=MAX_DESCRIPTION, allow_none=True)
    is_public = StrictBoolean()


class RoomChangesBody(RoomBody):
    """What is to change of a room. A description of null takes it away."""

    name = Line(low=1, high=MAX_NAME, strip=True)


class NewMemberBody(BodySchema):
    """How somebody is added."""

    may_be_absent = True

    is_admin = StrictBoolean()


class MemberChangesBody(BodySchema):
    """What is to change of a member."""

    is_admin = StrictBoolean()
    is_banned = StrictBoolean()

    @validates_schema
    def _not_both(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("is_admin") and data.get("is_banned"):
            raise ValidationError("Nobody is banned and admin at once.", "is_admin")


class TransferBody(BodySchema):
    """Who is to own the room."""

    user_id = Id(required=True)


class InviteBody(BodySchema):
    """How long, and how often, a new invite opens the room."""

    may_be_absent = True

    expires_in = WholeNumber(
        low=1, high=MAX_SECONDS, allow_none=True, load_default=DEFAULT_SECONDS, metadata={"description": "Seconds."}
    )
    max_uses = WholeNumber(
        low=1, high=MAX_USES, allow_none=True, metadata={"description": "Left out: as often as wanted."}
    )


class InviteSchema(AnswerSchema):
    """An invite."""

    code = fields.String(allow_none=True, metadata={"description": "Null in lists after a change of SECRET_KEY."})
    url = fields.String(allow_none=True)
    expires_at = fields.AwareDateTime(allow_none=True)
    max_uses = fields.Integer(allow_none=True)
    uses = fields.Integer()


class JoinBody(BodySchema):
    """The code of an invite."""

    code = Text(low=1, high=MAX_CODE, required=True)
