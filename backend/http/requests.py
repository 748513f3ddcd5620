"""What happens before and after every request: its id, the limit of its body, response headers, the access log."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from flask import Flask, Response, current_app, g, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map, UnicodeConverter

from backend.database import MAX_ID
from backend.errors import BadRequest, NotFound
from backend.http.bodies import bound_body
from backend.http.fields import storable
from backend.http.uploads import SpoolingRequest
from backend.http.view_metadata import metadata_of

access_log = logging.getLogger("confab.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
PAGES = "web"
"""The blueprint whose responses hold no user's data, so that browsers may cache them."""

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def _digits_up_to(number: int) -> str:
    """A pattern for the whole numbers from 0 to *number*, with no more digits than *number*."""
    digits = str(number)
    less = [
        f"{digits[:place]}[0-{int(digit) - 1}][0-9]{{{len(digits) - place - 1}}}"
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    return "(?:" + "|".join([f"[0-9]{{1,{len(digits) - 1}}}", *less, digits]) + ")"


class IdConverter(IntegerConverter):
    """An id in a path: ASCII digits, at most 2^63 - 1. Anything else answers 404.

    The pattern itself has the bound: if a converter refuses what its pattern matched, werkzeug answers 405.
    """

    regex = _digits_up_to(MAX_ID)


class SecretConverter(UnicodeConverter):
    """A secret in a path, such as the code of an invite. It is any text; the access log shows `***` instead."""


_RULE_PARTS = re.compile(r"<(?:([a-z]+)(?:\([^)]*\))?:)?[^>]+>|[^<]+")


@lru_cache(maxsize=16)
def _secret_paths(rules: Map) -> re.Pattern[str]:
    """A pattern for the beginnings of paths, up to a secret. It is made from the rules that have one."""
    found = [r"(?!)"]
    for rule in rules.iter_rules():
        before = ""
        for part in _RULE_PARTS.finditer(rule.rule):
            if part[1] == "secret":
                found.append(before)
                break
            before += "[^/]*" if part[0].startswith("<") else re.escape(part[0])
    return re.compile("|".join(found), re.IGNORECASE)


def _shown_path() -> str:
    """The path of the request for the log, with `***` in place of a secret and of all that follows it.

    It looks at the text of the path, not at the rule: a request with a wrong method or a longer path holds the same secret.
    """
    found = _secret_paths(current_app.url_map).match(request.path)
    return f"{found[0]}***" if found else request.path


def init_app(app: Flask) -> None:
    """Register the hooks and the converters `id` and `secret`, and trust the configured number of proxies."""
    app.request_class = SpoolingRequest
    app.url_map.converters |= {"id": IdConverter, "secret": SecretConverter}
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.before_request(_begin)
    app.after_request(_end)
    app.wsgi_app = _RequestIdMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    if proxies := app.config["CONFAB"].trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]


class _RequestIdMiddleware:
    """Sets the id of a request before Flask routes it, so that routing errors have one too."""

    def __init__(self, wsgi_app: Callable[..., Iterable[bytes]]):
        self.wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ["confab.request_id"] = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        return self.wsgi_app(environ, start_response)


def _begin() -> None:
    g.started_at = time.perf_counter()
    g.request_id = request.environ["confab.request_id"]
    g.address = storable(request.remote_addr or "")[:50] or None
    g.is_read_only = request.method in ("GET", "HEAD")
    if "\0" in request.path:
        raise NotFound("There is nothing at this address.")  # PostgreSQL does not accept it
    _check_host(request.environ)
    config = current_app.config["CONFAB"]
    view = current_app.view_functions.get(request.endpoint or "")
    bound_body(request, config.max_upload_bytes if metadata_of(view).is_upload else config.max_json_bytes)


def _check_host(environ: dict[str, Any]) -> None:
    """HTTP/1.1 requires a Host header with a name and an optional port (RFC 9112, section 3.2)."""
    host = environ.get("HTTP_HOST")
    if host is None:
        if environ.get("SERVER_PROTOCOL") != "HTTP/1.0":
            raise BadRequest("The request has no Host header. Send one.")
    elif not _HOST.fullmatch(host):
        raise BadRequest("The Host header is not valid. Send the name of the server, with its port if it has one.")


def _end(response: Response) -> Response:
    headers = response.headers
    if response.status_code == 204:
        del headers["Content-Type"]
    headers["X-Request-ID"] = request.environ["confab.request_id"]
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Frame-Options"] = "DENY"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    is_page = response.mimetype == "text/html"
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else API_POLICY)
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers.setdefault("Cache-Control", "no-cache" if request.blueprint == PAGES else "no-store")
    _log_request(response)
    return response


def _log_request(response: Response) -> None:
    if not access_log.isEnabledFor(logging.INFO):
        return
    identity = g.get("identity")
    data = {
        "request_id": request.environ["confab.request_id"],
        "method": request.method,
        "path": _shown_path(),  # never the query: it may hold a token
        "status": request.environ.get("confab.status", response.status_code),
        "ms": round((time.perf_counter() - g.get("started_at", time.perf_counter())) * 1000, 2),
        "user_id": identity.user.id if identity else None,
        "address": request.remote_addr,
    }
    access_log.info("request", extra={"data": data})
