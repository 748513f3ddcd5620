"""Requests about passwords and mailed tokens."""

from __future__ import annotations

from backend.http.fields import BodySchema, StrictBoolean, Text
from backend.users.fields import Password

MAX_SECRET = 1024


class ForgotPasswordBody(BodySchema):
    email = Text(required=True, high=1000, metadata={"example": "test@example.com"})


class ResetPasswordBody(BodySchema):
    token = Text(required=True, high=MAX_SECRET, metadata={"description": "From the link in the mail."})
    password = Password(required=True, metadata={"example": "password123"})


class VerifyEmailBody(BodySchema):
    token = Text(required=True, high=MAX_SECRET, metadata={"description": "From the link in the mail."})
    password = Text(
        allow_none=True, metadata={"description": "The account's password; not needed in a session of the account."}
    )


class ChangePasswordBody(BodySchema):
    current_password = Text(
        allow_none=True, metadata={"description": "Omit it for an account that has no password yet."}
    )
    new_password = Password(required=True)
    revoke = StrictBoolean(
        load_default=False, metadata={"description": "Also delete the API tokens and the number; false by default."}
    )
