"""Secrets that are handed out once and kept as hashes, and passwords."""

from __future__ import annotations

import hashlib
import re
import secrets

import bcrypt

from backend.request_context import network
from backend.threadpool import PASSWORDS

BCRYPT_ROUNDS = 12
MIN_PASSWORD_BYTES, MAX_PASSWORD_BYTES = 8, 72
"""bcrypt reads 72 bytes and no more; longer passwords are refused rather than cut."""


def new_secret() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What the database keeps of a random secret: SHA-256 in hex. It needs no salt, for it cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hash_password(password: str) -> str:
    """The bcrypt hash of *password*, made outside the worker's loop. Raises Busy."""
    hashed: bytes = PASSWORDS.run(network(), bcrypt.hashpw, password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS))
    return hashed.decode()


def check_password(password: str, hashed: str | None) -> bool:
    """Whether *password* is the one that was hashed. Takes the same time where there is no hash. Raises Busy."""
    return bool(PASSWORDS.run(network(), _check, password.encode("utf-8", "surrogatepass"), (hashed or "").encode()))


def _check(raw: bytes, hashed: bytes) -> bool:
    usable = len(raw) <= MAX_PASSWORD_BYTES and b"\0" not in raw
    # A cost of 4 to 19: a row of an adopted database must not keep a thread busy for hours.
    known = re.fullmatch(rb"\$2[abxy]\$(0[4-9]|1[0-9])\$[./A-Za-z0-9]{53}", hashed) is not None
    matches = bcrypt.checkpw(raw if usable else b"-", hashed if known else _nobodys_hash())
    return matches and usable and known


def _nobodys_hash() -> bytes:
    """A hash that no password has, for the time that it takes to check: a salt, and a digest that was never computed."""
    return bcrypt.gensalt(BCRYPT_ROUNDS) + b"." * 31
