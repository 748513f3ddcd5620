"""Secrets that are handed out once and kept as hashes, and passwords."""

from __future__ import annotations

import functools
import hashlib
import secrets

import bcrypt
import gevent.hub
import gevent.monkey

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
    """The bcrypt hash of *password*, made outside the worker's loop."""
    return _off_loop(bcrypt.hashpw, password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()


def check_password(password: str, hashed: str | None) -> bool:
    """Whether *password* is the one that was hashed. Takes the same time where there is no hash to compare with."""
    raw = password.encode("utf-8", "surrogatepass")
    usable = len(raw) <= MAX_PASSWORD_BYTES and b"\0" not in raw
    try:
        matches: bool = _off_loop(bcrypt.checkpw, raw if usable else b"-", (hashed or dummy_hash()).encode())
    except ValueError:  # a legacy row whose hash is none
        matches = _off_loop(bcrypt.checkpw, b"-", dummy_hash().encode()) and False
    return matches and usable and bool(hashed)


@functools.cache
def dummy_hash() -> str:
    """A hash that nobody's password has, for the time that it takes to check."""
    return bcrypt.hashpw(secrets.token_bytes(16).hex().encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()


def _off_loop(function, *args):  # type: ignore[no-untyped-def]
    """Run *function* in the hub's thread pool under gevent, for bcrypt releases the GIL and takes 200 ms; else here."""
    if gevent.monkey.is_module_patched("socket"):
        return gevent.hub.get_hub().threadpool.apply(function, args)
    return function(*args)
