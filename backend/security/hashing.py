"""Hashes of secrets and passwords. The database holds these, and never the secret itself."""

from __future__ import annotations

import hashlib
import re
import secrets

import bcrypt

from backend.request_context import network
from backend.threadpool import PASSWORDS

BCRYPT_ROUNDS = 12
MIN_PASSWORD_BYTES, MAX_PASSWORD_BYTES = 8, 72
"""bcrypt reads only 72 bytes. Longer passwords are refused, not truncated."""


def new_secret() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """The SHA-256 of a random secret, in hex, for the database. It needs no salt, because the secret cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hash_password(password: str) -> str:
    """The bcrypt hash of *password*, computed in a thread. Raises Busy."""
    hashed: bytes = PASSWORDS.run(network(), bcrypt.hashpw, password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS))
    return hashed.decode()


def check_password(password: str, hashed: str | None) -> bool:
    """Whether *password* is the one that was hashed. Takes as long if *hashed* is None. Raises Busy."""
    return bool(PASSWORDS.run(network(), _check, password.encode("utf-8", "surrogatepass"), (hashed or "").encode()))


def _check(raw: bytes, hashed: bytes) -> bool:
    usable = len(raw) <= MAX_PASSWORD_BYTES and b"\0" not in raw
    # A cost of 4 to 19 only: a hash from an adopted database must not keep a thread busy for hours.
    known = re.fullmatch(rb"\$2[abxy]\$(0[4-9]|1[0-9])\$[./A-Za-z0-9]{53}", hashed) is not None
    matches = bcrypt.checkpw(raw if usable else b"-", hashed if known else unmatchable_hash())
    return matches and usable and known


def unmatchable_hash() -> bytes:
    """A hash that matches no password, to check in place of a missing one: a salt, and a digest that was never computed."""
    return bcrypt.gensalt(BCRYPT_ROUNDS) + b"." * 31
