"""Deployments for the checker."""

from tests.realtime.conftest import close_clients, deployments, open_deployment

__all__ = ["close_clients", "deployments", "open_deployment"]
