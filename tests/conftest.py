"""Fixtures for every test."""

pytest_plugins = ["tests.plugin_services"]
