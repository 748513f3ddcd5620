"""Servers for the checker."""

from tests.realtime.conftest import _goodbye, houses, open_house

__all__ = ["_goodbye", "houses", "open_house"]
