"""Requests and answers of `/api/auth` and `/token`."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, validate, validates_schema

from backend.http.fields import AnswerSchema, BodySchema, Line, Text
from backend.users.fields import Email, Mobile, Password, Username
from backend.users.schemas import PublicUserSchema


class TotpCode(Text):
    """Six digits of the app, or a recovery code."""

    def __init__(self, **kwargs: Any):
        description = "The code of the second factor, or a recovery code; required after 401 totp_required."
        super().__init__(low=1, high=40, metadata={"description": description, "example": "123456"}, **kwargs)


class RegisterBody(BodySchema):
    email = Email(required=True, metadata={"example": "test@example.com"})
    password = Password(required=True, metadata={"example": "password123"})
    first_name = Line(high=100, strip=True, allow_none=True, metadata={"example": "Test"})
    last_name = Line(high=100, strip=True, allow_none=True, metadata={"example": "User"})
    username = Username(allow_none=True, metadata={"description": "Derived from the email if it is omitted."})
    mobile = Mobile(
        allow_none=True,
        metadata={"description": "With its country code. Unverified: it is no way to sign in yet."},
    )
    invite_code = Text(
        low=1,
        high=100,
        allow_none=True,
        metadata={
            "description": "The code of an invite to a room, which the new user joins. Required with REGISTRATION=invite."
        },
    )


class LoginBody(BodySchema):
    email = Text(allow_none=True, metadata={"example": "test@example.com"})
    username = Text(allow_none=True, metadata={"description": "Instead of the email."})
    password = Text(required=True, metadata={"example": "password123"})
    device_info = Line(
        high=255, allow_none=True, metadata={"description": "The name of this device in the list of sessions."}
    )

    totp_code = TotpCode(allow_none=True)

    @validates_schema
    def _one_name(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("email") is None) == (data.get("username") is None):
            raise ValidationError("Send either email or username.", "email")


class TokenForm(BodySchema):
    """The password grant of RFC 6749, section 4.3. Other fields of OAuth clients are ignored."""

    class Meta:
        unknown = EXCLUDE

    username = Text(metadata={"description": "A username or an email. Required."})
    password = Text(metadata={"format": "password", "description": "Required."})
    grant_type = Text(metadata={"enum": ["password"]})
    scope = Text()
    client_id = Text()
    client_secret = Text()
    totp_code = Text(high=40, metadata={"description": "Required if the account has a second factor."})


class TokenRefreshBody(BodySchema):
    refresh_token = Text(required=True)


class OwnUserSchema(PublicUserSchema):
    email = fields.Email(allow_none=True)
    mobile = fields.String(allow_none=True, validate=validate.Length(max=20))
    is_superuser = fields.Boolean()
    email_verified = fields.Boolean()
    mobile_verified = fields.Boolean()


class OAuthErrorSchema(AnswerSchema):
    """The error of RFC 6749, section 5.2, with the members of all other errors."""

    error = fields.String()
    error_description = fields.String()
    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    request_id = fields.String(allow_none=True)


class TokenAnswerSchema(AnswerSchema):
    access_token = fields.String()
    refresh_token = fields.String()
    token_type = fields.String(metadata={"enum": ["bearer"]})
    expires_in = fields.Integer(metadata={"description": "The lifetime of the access token in seconds."})
    user = fields.Nested(OwnUserSchema)


class OtpAnswerSchema(TokenAnswerSchema):
    """The answer to a code. A request with a bearer token gets `user` alone."""

    conditional = ("access_token", "refresh_token", "token_type", "expires_in")


class UserSessionSchema(AnswerSchema):
    id = fields.Integer()
    device_info = fields.String(allow_none=True, validate=validate.Length(max=255))
    ip_address = fields.String(allow_none=True, validate=validate.Length(max=50))
    created_at = fields.DateTime()
    last_seen_at = fields.DateTime(allow_none=True)
    expires_at = fields.DateTime()
    is_current = fields.Boolean()


class SocketTicketSchema(AnswerSchema):
    """A ticket for one socket."""

    ticket = fields.String()
    expires_in = fields.Integer(metadata={"description": "Seconds."})


class RequestAcceptedSchema(AnswerSchema):
    """The answer that reveals nothing about the outcome."""

    status = fields.String(metadata={"enum": ["accepted"]})


ACCEPTED = {"status": "accepted"}
"""What `RequestAcceptedSchema` describes."""
