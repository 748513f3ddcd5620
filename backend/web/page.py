"""The page at `/`, a chat in the browser, and the files that it consists of."""

from __future__ import annotations

from hashlib import sha256

from flask import Blueprint, Response, current_app, render_template

from backend.errors import NotFound
from backend.http.json import encode
from backend.web.assets import Asset
from backend.web.bundle import bundle
from config import Config

bp = Blueprint("page", __name__)

FOR_EVER = "public, max-age=31536000, immutable"
LOGO = "/static/logo.svg"
WORKER_POLICY = "default-src 'none'; connect-src 'self'"


@bp.get("/app/<digest>/<path:name>")
def send_file(digest: str, name: str) -> Response:
    """A file of the page.

    During an update, the page of one version may ask a server of another. That server answers with its own file, and browsers
    do not keep it.
    """
    current = bundle()
    if name not in current.files:
        raise NotFound("There is nothing at this address.")
    response = current.files[name].response()
    response.headers["Cache-Control"] = FOR_EVER if digest == current.digest else "no-cache"
    return response


@bp.get("/sw.js")
def send_worker() -> Response:
    """The service worker, which keeps the page for a start without network."""
    current = bundle()
    config = current_app.config["CONFAB"]
    facts = {
        "version": sha256(_page_html() + page_policy(config.public_url).encode()).hexdigest()[:16],
        "page": "/",
        "prefix": current.prefix,
        "files": [LOGO, *(current.address(name) for name in sorted(current.files))],
        "isDevelopment": config.app_env == "development",
    }
    response = _revalidated(Asset(b"self.CONFAB=" + encode(facts) + b";\n" + current.worker, "text/javascript"))
    response.headers["Content-Security-Policy"] = WORKER_POLICY
    return response


@bp.get("/manifest.webmanifest")
def send_manifest() -> Response:
    """What a system needs to know to install the page as an application."""
    address = bundle().address
    manifest = {
        "id": "/",
        "name": "Confab",
        "short_name": "Confab",
        "description": "A chat for your team",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f3f4fa",
        "theme_color": "#3a57d6",
        "icons": [
            {"src": address(f"app/icons/{name}"), "sizes": size, "type": "image/png", "purpose": purpose}
            for name, size, purpose in (
                ("icon-192.png", "192x192", "any"),
                ("icon-512.png", "512x512", "any"),
                ("maskable-512.png", "512x512", "maskable"),
            )
        ],
    }
    return _revalidated(Asset(encode(manifest), "application/manifest+json"))


def page_response() -> Response:
    """The page itself."""
    response = _revalidated(Asset(_page_html(), "text/html"))
    response.headers["Content-Security-Policy"] = page_policy(current_app.config["CONFAB"].public_url)
    return response


def page_policy(public_url: str) -> str:
    """The Content-Security-Policy of the page. Everything comes from this server, and text never becomes script or markup.

    Safari before 15.4 does not take 'self' for the socket's address, so that stands there too.
    """
    socket = f"ws{public_url.removeprefix('http')}"
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "font-src 'self'",
            f"connect-src 'self' {socket}",
            "manifest-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            # The page makes this one for the address of its service worker.
            "trusted-types confab-worker",
        )
    )


def _page_html() -> bytes:
    config: Config = current_app.config["CONFAB"]
    return render_template(
        "page.html",
        bundle=bundle(),
        directory=config.directory,
        docs="on" if config.has_docs else "off",
        registration=config.registration,
        rooms=config.room_creation,
        sms="on" if _sends_texts(config) else "off",
    ).encode()


def _sends_texts(config: Config) -> bool:
    """Whether a code by text arrives somewhere, so that the page may offer to sign in with one."""
    return config.may_log_sms if config.sms_gateway == "console" else config.sms_gateway != "off"


def _revalidated(asset: Asset) -> Response:
    response = asset.response()
    response.headers["Cache-Control"] = "no-cache"
    return response
