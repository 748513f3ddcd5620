"""Which passwords an account may take, beyond their length: with COMMON_PASSWORDS=refuse none that guessers try first."""

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
"""The 10,000 most common, the commonest first (common-passwords.LICENSE). Some 3,900 are long enough to be chosen here."""

COMMON = "This is one of the 10,000 most common passwords. Choose one that nobody else has: several words, perhaps."
OWN = "This is the account's own name or email, which guessers try first. Choose something that does not follow from them."


def hash_new_password(field: str, password: str, *names: str | None) -> str:
    """The hash of a *password* for the account that has these *names*: username, email and what else it is called.

    Every password that an account is given passes here. Raises ValidationFailed of *field*, and Busy.
    """
    if current_app.config["CONFAB"].refuses_common_passwords:
        _check(field, password, names)
    return hash_password(password)


def names_of(user: User) -> tuple[str | None, ...]:
    """What an account is called."""
    return user.username, user.email, user.full_name, user.first_name, user.last_name


def _check(field: str, password: str, names: tuple[str | None, ...]) -> None:
    folded = password.casefold()
    if folded in common_passwords():
        raise ValidationFailed.of(field, COMMON)
    if _bare(folded) in {spelling for name in names if name for spelling in _spellings(name.casefold())}:
        raise ValidationFailed.of(field, OWN)


def _spellings(name: str) -> Iterator[str]:
    """A name as it might be typed for a password; of an email its first part, too."""
    yield _bare(name)
    if "@" in name:
        yield _bare(name.partition("@")[0])


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum()) or text


@cache
def common_passwords() -> frozenset[str]:
    """The passwords of LIST."""
    return frozenset(gzip.decompress(LIST.read_bytes()).decode().split())
