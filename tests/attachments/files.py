"""Random files for tests of crashes. Each is named after the hash of its bytes, so that a download can be compared with it."""

from __future__ import annotations

import hashlib
import random
from io import BytesIO

from PIL import Image

NamedFile = tuple[str, bytes]
"""The name and the bytes of a file."""

IMAGE_SIZE = (64, 48)
LARGE = 4 * 2**20
"""Bytes of a large file: writing it takes long enough to be interrupted."""


def digest(data: bytes) -> str:
    """Return the name of the file with the bytes *data*."""
    return hashlib.sha256(data).hexdigest()


def small_file(chance: random.Random) -> NamedFile:
    return _named(chance.randbytes(1000))


def large_file(chance: random.Random) -> NamedFile:
    return _named(chance.randbytes(LARGE))


def image(chance: random.Random) -> NamedFile:
    """A PNG, which gets a thumbnail."""
    width, height = IMAGE_SIZE
    out = BytesIO()
    Image.frombytes("RGB", IMAGE_SIZE, chance.randbytes(width * height * 3)).save(out, "PNG")
    return _named(out.getvalue())


def _named(data: bytes) -> NamedFile:
    return digest(data), data
