"""Requests about one-time codes."""

from __future__ import annotations

from backend.auth.schemas import TotpCode
from backend.http.fields import BodySchema, Line, Text
from backend.users.fields import Mobile


class OtpRequestBody(BodySchema):
    mobile = Mobile(required=True, metadata={"example": "+46701740605"})


class OtpVerificationBody(OtpRequestBody):
    code = Text(required=True, low=1, high=20, metadata={"example": "123456"})
    device_info = Line(
        high=255, allow_none=True, metadata={"description": "The name of this device in the list of sessions."}
    )
    totp_code = TotpCode(allow_none=True)
