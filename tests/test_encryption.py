"""Encryption of stored secrets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from backend.security.encryption import DecryptionError, decrypt, encrypt, keyed_hash


def test_a_secret_is_decrypted_only_for_its_purpose(sqlite_app: Flask, make_app: Callable[..., Flask]) -> None:
    with sqlite_app.app_context():
        encrypted = encrypt("outbox", "the secret å")
        assert "secret" not in encrypted
        assert encrypt("outbox", "the secret å") != encrypted
        assert decrypt("outbox", encrypted) == "the secret å"
        with pytest.raises(DecryptionError):
            decrypt("totp", encrypted)
    with make_app(secret_key="another key").app_context(), pytest.raises(DecryptionError):
        decrypt("outbox", encrypted)


def test_a_changed_ciphertext_is_not_decrypted(sqlite_app: Flask) -> None:
    with sqlite_app.app_context():
        encrypted = encrypt("outbox", "text")
        for place in range(10, len(encrypted) - 2, 7):
            other = "A" if encrypted[place] != "A" else "B"
            with pytest.raises(DecryptionError):
                decrypt("outbox", encrypted[:place] + other + encrypted[place + 1 :])


def test_keyed_hashes_differ_by_purpose_and_key(sqlite_app: Flask, make_app: Callable[..., Flask]) -> None:
    with sqlite_app.app_context():
        one, two = keyed_hash("otp", "123456"), keyed_hash("recovery", "123456")
        assert one == keyed_hash("otp", "123456")
    with make_app(secret_key="another key").app_context():
        three = keyed_hash("otp", "123456")
    assert len({one, two, three}) == 3
