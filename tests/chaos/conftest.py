"""Servers for the checker."""

from tests.realtime.conftest import _goodbye, house, open_house

__all__ = ["_goodbye", "house", "open_house"]
