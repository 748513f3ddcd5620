"""Secrets at rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from backend.security.encryption import Unsealable, keyed_hash, seal, unseal


def test_what_is_sealed_opens_for_its_purpose_alone(sqlite_app: Flask, make_app: Callable[..., Flask]) -> None:
    with sqlite_app.app_context():
        sealed = seal("outbox", "the secret å")
        assert "secret" not in sealed
        assert seal("outbox", "the secret å") != sealed
        assert unseal("outbox", sealed) == "the secret å"
        with pytest.raises(Unsealable):
            unseal("totp", sealed)
    with make_app(secret_key="another key").app_context(), pytest.raises(Unsealable):
        unseal("outbox", sealed)


def test_what_was_tampered_with_does_not_open(sqlite_app: Flask) -> None:
    with sqlite_app.app_context():
        sealed = seal("outbox", "text")
        for place in range(10, len(sealed) - 2, 7):
            other = "A" if sealed[place] != "A" else "B"
            with pytest.raises(Unsealable):
                unseal("outbox", sealed[:place] + other + sealed[place + 1 :])


def test_keyed_hashes_differ_by_purpose_and_key(sqlite_app: Flask, make_app: Callable[..., Flask]) -> None:
    with sqlite_app.app_context():
        one, two = keyed_hash("otp", "123456"), keyed_hash("recovery", "123456")
        assert one == keyed_hash("otp", "123456")
    with make_app(secret_key="another key").app_context():
        three = keyed_hash("otp", "123456")
    assert len({one, two, three}) == 3
