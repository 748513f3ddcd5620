"""The client's address, for modules that do not use the request. Commands have no address."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

import flask


def address() -> str | None:
    """The client's address, as `backend.http.requests` recorded it. None outside of a request."""
    found: str | None = flask.g.get("address") if flask.has_app_context() else None
    return found


def network() -> str:
    """The client's network, which identifies a client to limits. "unknown" outside of a request."""
    return network_of(address() or "unknown")


@lru_cache(maxsize=10_000)
def network_of(remote: str) -> str:
    """The network of an address, for limits. For IPv6 it is the first 64 bits, because a client can choose the others."""
    try:
        parsed = ip_address(remote.partition("%")[0])
    except ValueError:
        return remote[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
