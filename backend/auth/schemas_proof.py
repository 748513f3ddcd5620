"""What the calls about one-time codes, mailed tokens, passwords and second factors take and answer."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from backend.auth.schemas import TotpCode
from backend.http.fields import AnswerSchema, BodySchema, Line, StrictBoolean, Text
from backend.users.fields import Mobile, Password

MAX_SECRET = 1024


class OtpRequestBody(BodySchema):
    mobile = Mobile(required=True, metadata={"example": "+46701740605"})


class OtpBody(OtpRequestBody):
    code = Text(required=True, low=1, high=20, metadata={"example": "123456"})
    device_info = Line(
        high=255, allow_none=True, metadata={"description": "What to call this device in the list of sessions."}
    )
    totp_code = TotpCode(allow_none=True)


class ForgotBody(BodySchema):
    email = Text(required=True, high=1000, metadata={"example": "test@example.com"})


class ResetBody(BodySchema):
    token = Text(required=True, high=MAX_SECRET, metadata={"description": "From the link in the mail."})
    password = Password(required=True, metadata={"example": "password123"})


class VerifyEmailBody(BodySchema):
    token = Text(required=True, high=MAX_SECRET, metadata={"description": "From the link in the mail."})
    password = Text(allow_none=True, metadata={"description": "The account's; not needed in a session of the account."})


class ChangePasswordBody(BodySchema):
    current_password = Text(
        allow_none=True, metadata={"description": "Left out by an account that has no password yet."}
    )
    new_password = Password(required=True)
    revoke = StrictBoolean(
        load_default=False, metadata={"description": "End the API tokens and take the number off, too."}
    )


class ConfirmBody(BodySchema):
    """Proof that it is still the same person."""

    password = Text()
    code = Text(low=1, high=20, metadata={"description": "A fresh one-time code, sent to the verified number."})
    totp_code = TotpCode()

    @validates_schema
    def _some_proof(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Send your password, a code sent by text, or totp_code.", "password")


class PasswordBody(BodySchema):
    """What clients sent before sessions were fresh."""

    may_be_absent = True
    password = Text(
        allow_none=True, metadata={"description": "Not needed any more; where it is sent it must be the present one."}
    )


class PasswordOrCodeBody(PasswordBody):
    totp_code = TotpCode(allow_none=True)


class TotpConfirmBody(BodySchema):
    totp_code = TotpCode(required=True)


class AcceptedSchema(AnswerSchema):
    """The same whatever comes of it."""

    status = fields.String(metadata={"enum": ["accepted"]})


class TotpStatusSchema(AnswerSchema):
    is_enabled = fields.Boolean()
    confirmed_at = fields.DateTime(allow_none=True)
    recovery_codes_left = fields.Integer()


class TotpSecretSchema(AnswerSchema):
    secret = fields.String(metadata={"description": "In base 32, for those who type it."})
    uri = fields.String(metadata={"description": "otpauth://totp/…"})
    qr_code = fields.String(metadata={"description": "The uri as a QR code: an SVG in a data: URI."})


class RecoveryCodesSchema(AnswerSchema):
    recovery_codes = fields.List(fields.String(), metadata={"description": "Each serves once. Shown here alone."})
