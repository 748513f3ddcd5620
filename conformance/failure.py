"""The failure of a case."""

from __future__ import annotations


class Failure(Exception):
    """A promise was not kept, or the adapter did not answer. The text is for the author of the client."""
