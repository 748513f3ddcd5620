"""Secrets at rest. Text that must be read again is encrypted; text that must only be recognised is hashed with a key.

Each purpose has its own key, derived from SECRET_KEY (HKDF with SHA-256, RFC 5869). A copy of the database alone is useless, and
text that was encrypted for one purpose cannot be decrypted for another.
"""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


class DecryptionError(Exception):
    """The text was encrypted with another SECRET_KEY, or was changed."""


def encrypt(purpose: str, text: str) -> str:
    """Encrypt and authenticate *text* (Fernet: AES-128-CBC and HMAC-SHA-256)."""
    return _fernet(_secret_key(), purpose).encrypt(text.encode()).decode()


def decrypt(purpose: str, encrypted: str) -> str:
    """Decrypt what was encrypted for *purpose*. Raises DecryptionError."""
    try:
        return _fernet(_secret_key(), purpose).decrypt(encrypted.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError from error


def keyed_hash(purpose: str, text: str) -> str:
    """HMAC-SHA-256 in hex, for short codes whose plain hash could be found by trying all of them."""
    return hmac.digest(_key(_secret_key(), purpose), text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _secret_key() -> str:
    key: str = current_app.config["CONFAB"].secret_key
    return key


@lru_cache(maxsize=32)
def _fernet(secret_key: str, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(secret_key, purpose)))


@lru_cache(maxsize=32)
def _key(secret_key: str, purpose: str) -> bytes:
    info = f"confab:{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret_key.encode())
