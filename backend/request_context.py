"""Where the present request comes from, for rules that know no request. The command line has no address."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

import flask


def address() -> str | None:
    """The caller's address, as `backend.http.requests` noted it; None outside of a request."""
    found: str | None = flask.g.get("address") if flask.has_app_context() else None
    return found


def network() -> str:
    """The caller's address as callers are told apart by it; "unknown" outside of a request."""
    return network_of(address() or "unknown")


@lru_cache(maxsize=10_000)
def network_of(remote: str) -> str:
    """An address as limits count it. Of IPv6 the first half: the other half is the caller's to choose."""
    try:
        parsed = ip_address(remote.partition("%")[0])
    except ValueError:
        return remote[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
