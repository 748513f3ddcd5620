"""A storage, from the tests of attachments."""

from tests.attachments.conftest import folder

__all__ = ["folder"]
