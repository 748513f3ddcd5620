"""Fields of an account, with their validation."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import phonenumbers
from marshmallow import ValidationError
from phonenumbers import ValidationResult

from backend.http.fields import Text
from backend.security.hashing import MAX_PASSWORD_BYTES, MIN_PASSWORD_BYTES
from backend.users.emails import MAX_EMAIL_BYTES, normalize_email

_USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)


class Email(Text):
    """An email address. Loads as it was typed, with the domain in lower case (`normalize_email`)."""

    documented: ClassVar[dict[str, Any]] = {"format": "email", "maxLength": MAX_EMAIL_BYTES}

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return normalize_email(super()._deserialize(value, *args, **kwargs))
        except ValueError as error:
            if isinstance(error, ValidationError):
                raise
            raise ValidationError(f"Not a valid email address. {error}") from None


class Password(Text):
    """A new password. Its length is limited in bytes of UTF-8, because bcrypt reads bytes."""

    documented: ClassVar[dict[str, Any]] = Text.documented | {
        "format": "password",
        "minLength": MIN_PASSWORD_BYTES,
        "maxLength": MAX_PASSWORD_BYTES,
        "description": f"{MIN_PASSWORD_BYTES} to {MAX_PASSWORD_BYTES} bytes of UTF-8. A server may refuse common ones (422).",
    }

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        password: str = super()._deserialize(value, *args, **kwargs)
        if not MIN_PASSWORD_BYTES <= len(password.encode()) <= MAX_PASSWORD_BYTES:
            raise ValidationError(f"Must have {MIN_PASSWORD_BYTES} to {MAX_PASSWORD_BYTES} bytes in UTF-8.")
        return password


class Username(Text):
    """A name in ASCII that needs no quoting anywhere. It contains no `@`, so it cannot be confused with an email."""

    documented: ClassVar[dict[str, Any]] = {"pattern": f"^{_USERNAME.pattern}$", "minLength": 1, "maxLength": 100}

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        username: str = super()._deserialize(value, *args, **kwargs)
        if not _USERNAME.fullmatch(username):
            raise ValidationError("Must have 1 to 100 of A-Z a-z 0-9 _ . - and begin with a letter, a digit or _.")
        return username


class Mobile(Text):
    """A telephone number with its country code. Loads as E.164: `+46701740605`.

    Its length must fit its country. Whether its range is assigned is not checked, because new ranges are assigned all the time.
    """

    documented: ClassVar[dict[str, Any]] = {"pattern": r"^\+[0-9][0-9 ().-]{3,40}$", "example": "+46701740605"}

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        raw: str = super()._deserialize(value, *args, **kwargs)
        try:
            number = phonenumbers.parse(raw)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
            raise ValidationError("Not a valid number with a country code, such as +46701740605.")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
