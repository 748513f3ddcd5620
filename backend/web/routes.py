"""The page, and the documentation of the API and the socket.

`/static/...` has an ETag, and browsers revalidate it each time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, current_app, render_template
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from backend.http.json import decode, document_response, encode
from backend.web import page
from backend.web.asyncapi import asyncapi_document

DOCS_FOLDER = Path(__file__).resolve().parents[2] / "docs"
FRAMES = DOCS_FOLDER / "realtime.schema.json"
REFERENCE_CLIENT = DOCS_FOLDER / "examples" / "reference_client.py"

bp = Blueprint(
    "web", __name__, template_folder="templates", static_folder="static", static_url_path="/static", url_prefix=""
)


@bp.get("/")
def show_page() -> ResponseReturnValue:
    """The chat."""
    return page.page_response()


@bp.get("/favicon.ico")
def send_favicon() -> Response:
    """The icon that browsers request by default."""
    return bp.send_static_file("favicon.ico")


def show_docs() -> str:
    """Swagger UI over /openapi.json."""
    return render_template("docs.html")


def show_frames() -> Response:
    """The JSON Schema of the socket's frames."""
    return document_response(_frames())


def show_asyncapi() -> Response:
    """The AsyncAPI document of the socket."""
    return document_response(_asyncapi(current_app.config["VERSION"], current_app.config["CONFAB"].public_url))


def send_reference_client() -> Response:
    """The reference client of the socket, as a download."""
    response = document_response(_reference_client(), "text/x-python")
    response.headers.set("Content-Disposition", "attachment", filename=REFERENCE_CLIENT.name)
    return response


DOCUMENTATION: dict[str, Callable[[], ResponseReturnValue]] = {
    "/docs": show_docs,
    "/realtime.schema.json": show_frames,
    "/asyncapi.json": show_asyncapi,
    "/reference_client.py": send_reference_client,
}


@bp.record
def add_documentation(state: BlueprintSetupState) -> None:
    """Add the routes of the documentation, unless DOCS is off: then their addresses are like any unknown one."""
    if state.app.config["CONFAB"].has_docs:
        for path, view in DOCUMENTATION.items():
            state.add_url_rule(path, view.__name__, view, methods=["GET"])


@cache
def _frames() -> bytes:
    return FRAMES.read_bytes()


@cache
def _reference_client() -> bytes:
    return REFERENCE_CLIENT.read_bytes()


@cache
def _asyncapi(version: str, public_url: str) -> bytes:
    return encode(asyncapi_document(decode(_frames()), version, public_url))
