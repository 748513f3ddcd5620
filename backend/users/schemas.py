"""Schemas of requests and responses about users."""

from __future__ import annotations

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate, validates_schema

from backend.http.fields import AnswerSchema, BodySchema, Ids, Line, StrictBoolean, Text, WholeNumber
from backend.http.pagination import PageArgs
from backend.pagination import DEFAULT_LIMIT, MAX_LIMIT
from backend.users.fields import Email, Username

MAX_QUERY = 255
MAX_ROLES = 100
MAX_BIO = 4_000


class PublicUserSchema(AnswerSchema):
    """The public profile of a user."""

    id = fields.Integer()
    username = fields.String(validate=validate.Length(max=100))
    full_name = fields.String(allow_none=True, validate=validate.Length(max=255))
    first_name = fields.String(allow_none=True, validate=validate.Length(max=100))
    last_name = fields.String(allow_none=True, validate=validate.Length(max=100))
    bio = fields.String(allow_none=True)
    avatar_url = fields.String(
        allow_none=True, metadata={"format": "uri-reference", "description": "A path and query of this server."}
    )
    is_active = fields.Boolean()
    roles = fields.List(fields.String(validate=validate.Length(max=100)))
    created_at = fields.DateTime()
    last_seen_at = fields.DateTime(allow_none=True)


class UserSchema(PublicUserSchema):
    """A user. The private fields are only for the user itself and for superusers."""

    conditional = ("email", "mobile", "is_superuser", "email_verified", "mobile_verified")

    email = fields.Email(allow_none=True, metadata={"description": "Only for the user itself and for superusers."})
    mobile = fields.String(
        allow_none=True,
        validate=validate.Length(max=20),
        metadata={"description": "Only for the user itself and for superusers."},
    )
    is_superuser = fields.Boolean(metadata={"description": "Only for the user itself and for superusers."})
    email_verified = fields.Boolean(metadata={"description": "Only for the user itself and for superusers."})
    mobile_verified = fields.Boolean(metadata={"description": "Only for the user itself and for superusers."})


class UserListArgs(PageArgs):
    """Filters of the list of users."""

    q = Text(
        high=MAX_QUERY,
        load_default="",
        metadata={
            "description": "A part of the username or name, in any case. `%`, `_` and `\\` are ordinary characters."
        },
    )

    ids = Ids(
        high=MAX_LIMIT,
        metadata={
            "description": "Only these users, separated by commas, deactivated ones too: for showing the authors of messages. "
            "Unknown and hidden ids are left out. `limit` is 100 here unless it is given.",
            "example": [1, 2, 3],
        },
    )
    limit = WholeNumber(low=1, high=MAX_LIMIT, load_default=None, metadata={"default": DEFAULT_LIMIT})

    @post_load
    def _to_page_request(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        data["limit"] = data["limit"] or (MAX_LIMIT if "ids" in data else DEFAULT_LIMIT)
        return super()._to_page_request(data, **kwargs)


class RoleSchema(AnswerSchema):
    """A role."""

    id = fields.Integer()
    name = fields.String(validate=validate.Length(max=100))
    description = fields.String(allow_none=True, validate=validate.Length(max=255))
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class RoleBody(BodySchema):
    """A new role."""

    name = Line(low=1, high=100, strip=True, required=True)
    description = Line(high=255, strip=True, allow_none=True)


class RoleChangesBody(RoleBody):
    """Changes of a role. A `description` of null removes it."""

    name = Line(low=1, high=100, strip=True)


class AccountChangesBody(BodySchema):
    """Changes of an account by a superuser."""

    is_active = StrictBoolean()
    is_superuser = StrictBoolean()
    full_name = Line(high=255, strip=True, allow_none=True)
    roles = fields.List(
        Line(low=1, high=100),
        validate=validate.Length(max=MAX_ROLES),
        metadata={"description": "The names of all roles that the user shall have."},
    )


class ProfileChangesBody(BodySchema):
    """Changes of one's own profile. A number is changed by verifying it (`/api/auth/verify-otp`)."""

    first_name = Line(high=100, strip=True, allow_none=True)
    last_name = Line(high=100, strip=True, allow_none=True)
    full_name = Line(high=255, strip=True, allow_none=True)
    bio = Text(high=MAX_BIO, allow_none=True)
    username = Username()
    email = Email(
        metadata={"description": "A new email is unverified. It needs a fresh session, as a new username does."}
    )
    password = Text(
        load_only=True,
        metadata={"description": "Not needed any more. If it is sent, it must be your present password."},
    )

    @validates_schema
    def _check_password(self, data: dict[str, Any], **_: Any) -> None:
        if "password" in data and data.keys().isdisjoint(
            ("email", "username")
        ):  # it would change nothing, though the client may think that it has changed the password
            message = (
                "It only confirms a new email or username. To change the password, use POST /api/auth/change-password."
            )
            raise ValidationError({"password": [message]})


class AvatarBody(BodySchema):
    """An avatar: JPEG, PNG, WebP or GIF."""

    file = Upload(required=True)


class AvatarArgs(Schema):
    """The version of an avatar, from `avatar_url`."""

    class Meta:
        unknown = EXCLUDE

    v = Text(high=64, metadata={"description": "The version in `avatar_url`."})


class AccountErasureBody(BodySchema):
    """Confirmation of an erasure: one of the two."""

    password = Text()
    code = Text(low=1, high=20, metadata={"description": "A fresh one-time code, sent to the verified number."})


class ExportArgs(Schema):
    """The format of the export."""

    class Meta:
        unknown = EXCLUDE

    format = Text(
        load_default="json",
        validate=validate.OneOf(("json", "zip")),
        metadata={"description": "`json`: only the document. `zip`: the document as `export.json`, and your files."},
    )


class UserNamesSchema(AnswerSchema):
    """The user with an id."""

    id = fields.Integer()
    username = fields.String(validate=validate.Length(max=100))
    full_name = fields.String(allow_none=True, validate=validate.Length(max=255))


class AccountExportSchema(AnswerSchema):
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
    rooms = fields.List(fields.Dict(), metadata={"description": "Each with its `name`: null if you may not see it."})
    reactions = fields.List(fields.Dict())
    mentions = fields.List(fields.Dict())
    pins = fields.List(fields.Dict(), metadata={"description": "The messages that the user pinned."})
    attachments = fields.List(fields.Dict())
    reports = fields.List(fields.Dict())
    security_events = fields.List(fields.Dict())
    messages = fields.List(fields.Dict(), metadata={"description": "The user's messages, by conversation."})
    edits = fields.List(
        fields.Dict(),
        metadata={"description": "Former versions of the user's messages: `content` until `edited_at`."},
    )
    users = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(UserNamesSchema),
        metadata={"description": "All users in the document that you may see, by id."},
    )
