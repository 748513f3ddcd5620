"""The front page and the API's documentation. `/static/...` is served with an ETag, to be asked for again each time."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template

bp = Blueprint(
    "web", __name__, template_folder="templates", static_folder="static", static_url_path="/static", url_prefix=""
)


@bp.get("/")
def show_home() -> str:
    """What runs here, and the first calls to it."""
    # Not the Host that was asked: the page could be kept by a cache, and the calls on it sent elsewhere.
    host = current_app.config["CONFAB"].public_url
    return render_template("home.html", version=current_app.config["VERSION"], host=host, socket=_socket_address(host))


@bp.get("/docs")
def show_docs() -> str:
    """Swagger UI over /openapi.json."""
    return render_template("docs.html")


@bp.get("/favicon.ico")
def send_favicon() -> Response:
    """The icon that browsers ask for unasked."""
    return bp.send_static_file("favicon.ico")


def _socket_address(host: str) -> str:
    return f"ws{host.removeprefix('http')}/ws/CLIENT_ID?token=TOKEN"
