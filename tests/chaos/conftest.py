"""Deployments for the checker."""

from tests.realtime.conftest import _close_clients, deployments, open_deployment

__all__ = ["_close_clients", "deployments", "open_deployment"]
