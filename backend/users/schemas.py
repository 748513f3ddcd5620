"""Bodies, queries and answers about users."""

from __future__ import annotations

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from backend.http.fields import AnswerSchema, BodySchema, Line, StrictBoolean, Text
from backend.http.pagination import PageArgs
from backend.users.fields import Email, Username

MAX_QUERY = 255
MAX_ROLES = 100
MAX_BIO = 4_000


class PublicUserSchema(AnswerSchema):
    """What everybody sees of a user."""

    id = fields.Integer()
    username = fields.String()
    full_name = fields.String(allow_none=True)
    first_name = fields.String(allow_none=True)
    last_name = fields.String(allow_none=True)
    bio = fields.String(allow_none=True)
    avatar_url = fields.String(allow_none=True)
    is_active = fields.Boolean()
    roles = fields.List(fields.String())
    created_at = fields.DateTime()
    last_seen_at = fields.DateTime(allow_none=True)


class UserSchema(PublicUserSchema):
    """A user. The fields that no list of strangers shows are for the user itself and for superusers."""

    email = fields.String(allow_none=True, metadata={"description": "Only to the user itself and to superusers."})
    mobile = fields.String(allow_none=True, metadata={"description": "Only to the user itself and to superusers."})
    is_superuser = fields.Boolean(metadata={"description": "Only to the user itself and to superusers."})
    email_verified = fields.Boolean(metadata={"description": "Only to the user itself and to superusers."})
    mobile_verified = fields.Boolean(metadata={"description": "Only to the user itself and to superusers."})


class UserListArgs(PageArgs):
    """Which users are listed."""

    q = Text(
        high=MAX_QUERY,
        load_default="",
        metadata={"description": "Part of a username or name, in any case; `%`, `_` and `\\` are ordinary characters."},
    )


class RoleSchema(AnswerSchema):
    """A role."""

    id = fields.Integer()
    name = fields.String()
    description = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class RoleBody(BodySchema):
    """A new role."""

    name = Line(low=1, high=100, strip=True, required=True)
    description = Line(high=255, strip=True, allow_none=True)


class RoleChangesBody(RoleBody):
    """What is to change of a role. A description of null takes it away."""

    name = Line(low=1, high=100, strip=True)


class AccountChangesBody(BodySchema):
    """What a superuser may change of an account."""

    is_active = StrictBoolean()
    is_superuser = StrictBoolean()
    full_name = Line(high=255, strip=True, allow_none=True)
    roles = fields.List(
        Line(low=1, high=100),
        validate=validate.Length(max=MAX_ROLES),
        metadata={"description": "The names of all the roles that the user is to have."},
    )


class ProfileBody(BodySchema):
    """What users change of themselves. A number is changed by verifying it (`/api/auth/verify-otp`)."""

    first_name = Line(high=100, strip=True, allow_none=True)
    last_name = Line(high=100, strip=True, allow_none=True)
    full_name = Line(high=255, strip=True, allow_none=True)
    bio = Text(high=MAX_BIO, allow_none=True)
    username = Username()
    email = Email(metadata={"description": "The new one is unverified. Needs a fresh session, as a username does."})
    password = Text(
        load_only=True, metadata={"description": "Not needed any more; where it is sent it must be the present one."}
    )

    @validates_schema
    def _check_password(self, data: dict[str, Any], **_: Any) -> None:
        if "password" in data and data.keys().isdisjoint(
            ("email", "username")
        ):  # it would change nothing, and seem to have changed the password
            message = "It confirms a new email or username. The password is changed by POST /api/auth/change-password."
            raise ValidationError({"password": [message]})


class AvatarBody(BodySchema):
    """A picture: JPEG, PNG, WebP or GIF."""

    file = Upload(required=True)


class AvatarArgs(Schema):
    """Which picture: the one that `avatar_url` named."""

    class Meta:
        unknown = EXCLUDE

    v = Text(high=64, metadata={"description": "The version that `avatar_url` names."})


class ErasureBody(BodySchema):
    """Proof that it is the user who wants to go: one of the two."""

    password = Text()
    code = Text(low=1, high=20, metadata={"description": "A fresh one-time code, sent to the verified number."})


class ExportArgs(Schema):
    """In which format the export comes."""

    class Meta:
        unknown = EXCLUDE

    format = Text(
        load_default="json",
        validate=validate.OneOf(("json", "zip")),
        metadata={"description": "`json`: the document alone. `zip`: the document as `export.json`, and your files."},
    )


class NamedUserSchema(AnswerSchema):
    """Who an id stands for."""

    id = fields.Integer()
    username = fields.String()
    full_name = fields.String(allow_none=True)


class ExportSchema(AnswerSchema):
    """All of a user's data."""

    exported_at = fields.AwareDateTime()
    user = fields.Nested(UserSchema)
    sessions = fields.List(fields.Dict())
    api_tokens = fields.List(fields.Dict())
    blocks = fields.List(fields.Dict())
    conversations = fields.List(
        fields.Dict(),
        metadata={"description": "Each with its `room` (id, name) or its `user` (id, username, full_name)."},
    )
    rooms = fields.List(fields.Dict(), metadata={"description": "Each with its `name`; null where you may not see it."})
    reactions = fields.List(fields.Dict())
    mentions = fields.List(fields.Dict())
    attachments = fields.List(fields.Dict())
    reports = fields.List(fields.Dict())
    security_events = fields.List(fields.Dict())
    messages = fields.List(fields.Dict(), metadata={"description": "What the user wrote, by conversation."})
    users = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(NamedUserSchema),
        metadata={"description": "Everybody that the document speaks of and that you may see, by id."},
    )
