"""Requests and answers about the second factor, and about `confirm`."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from backend.auth.schemas import TotpCode
from backend.http.fields import AnswerSchema, BodySchema, Text


class ConfirmSessionBody(BodySchema):
    """Proof of the caller's identity."""

    password = Text()
    code = Text(low=1, high=20, metadata={"description": "A fresh one-time code, sent to the verified number."})
    totp_code = TotpCode()

    @validates_schema
    def _some_proof(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Send your password, a code sent by text, or totp_code.", "password")


class EnrolTotpBody(BodySchema):
    """The password, which clients of earlier releases send."""

    may_be_absent = True
    password = Text(allow_none=True, metadata={"description": "No longer required; if it is sent, it must be right."})


class TotpProofBody(EnrolTotpBody):
    totp_code = TotpCode(allow_none=True)


class ConfirmTotpBody(BodySchema):
    totp_code = TotpCode(required=True)


class TotpStatusSchema(AnswerSchema):
    is_enabled = fields.Boolean()
    confirmed_at = fields.DateTime(allow_none=True)
    recovery_codes_left = fields.Integer()


class TotpSecretSchema(AnswerSchema):
    secret = fields.String(metadata={"description": "In base 32, for typing."})
    uri = fields.String(metadata={"format": "uri", "description": "otpauth://totp/…"})
    qr_code = fields.String(metadata={"format": "uri", "description": "The uri as a QR code: an SVG in a data: URI."})


class TotpRecoveryCodesSchema(AnswerSchema):
    recovery_codes = fields.List(
        fields.String(), metadata={"description": "Each works once. They are shown only here."}
    )
