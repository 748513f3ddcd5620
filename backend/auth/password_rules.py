"""Passwords that are refused with COMMON_PASSWORDS=refuse: those that attackers try first."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flask import current_app

from backend.errors import ValidationFailed
from backend.models import User
from backend.security.hashing import hash_password

LIST = Path(__file__).with_name("common-passwords.txt.gz")
"""The 10,000 most common passwords, the most common first (common-passwords.LICENSE). About 3,900 are long enough to be chosen
here.
"""

COMMON = (
    "This is one of the 10,000 most common passwords. Choose a password that nobody else has, such as several words."
)
OWN = "This is the account's own name or email, which attackers try first. Choose a password that is not derived from them."


def hash_new_password(field: str, password: str, *names: str | None) -> str:
    """Return the hash of a new *password* of an account with these *names*: username, email and other names.

    Every new password passes through here. Raises ValidationFailed of *field*, and Busy.
    """
    if current_app.config["CONFAB"].refuses_common_passwords:
        _check(field, password, names)
    return hash_password(password)


def names_of(user: User) -> tuple[str | None, ...]:
    """Return the names of an account."""
    return user.username, user.email, user.full_name, user.first_name, user.last_name


def _check(field: str, password: str, names: tuple[str | None, ...]) -> None:
    folded = password.casefold()
    if folded in common_passwords():
        raise ValidationFailed.of(field, COMMON)
    if _bare(folded) in {spelling for name in names if name for spelling in _spellings(name.casefold())}:
        raise ValidationFailed.of(field, OWN)


def _spellings(name: str) -> Iterator[str]:
    """Return the forms in which a name may be used as a password; for an email also the part before the @."""
    yield _bare(name)
    if "@" in name:
        yield _bare(name.partition("@")[0])


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum()) or text


@cache
def common_passwords() -> frozenset[str]:
    """Return the passwords of LIST."""
    return frozenset(gzip.decompress(LIST.read_bytes()).decode().split())
