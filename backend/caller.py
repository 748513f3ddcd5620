"""Where the present request comes from, for rules that know no request. The command line has no address."""

from __future__ import annotations

import flask


def address() -> str | None:
    """The caller's address, as `backend.http.requests` noted it; None outside of a request."""
    found: str | None = flask.g.get("address")
    return found
