"""The client library, /confab.js: one ES module for pages of every origin and for Node, made of the sources in `static/confab/`.

The sources are joined and minified when the file is first requested. There is no build step: a change of a source is served after
the next start. The sources themselves are at /static/confab/.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from flask import Blueprint, Response

from backend.web.assets import Asset
from backend.web.minify import minified

SOURCES = Path(__file__).parent / "static" / "confab"
ENTRY = "confab.js"
TYPES = "confab.d.ts"

_IMPORT = re.compile(r"^import [^;]+ from '\./([\w-]+\.js)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=class|const|function|async function)", re.MULTILINE)
_PUBLIC = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)

bp = Blueprint("client_library", __name__)


@bp.get("/confab.js")
def send_library() -> Response:
    """The client library."""
    return _send(_library())


@bp.get("/confab-node.js")
def send_node_storage() -> Response:
    """The storage of the client library in a file, for Node: to be put beside confab.js."""
    return _send(_source("confab-node.js", "text/javascript"))


@bp.get("/confab.d.ts")
def send_types() -> Response:
    """The types of the client library, for TypeScript."""
    return _send(_source(TYPES, "application/typescript"))


@cache
def joined_library() -> bytes:
    """The modules that the entry imports, in one module that exports what the entry exports.

    Top-level names must be different in all modules, because they share one scope.
    """
    text = "\n".join(modules(ENTRY, {}).values())
    exported = {"Confab"}
    for match in _PUBLIC.finditer(text):
        exported.update(name.strip() for name in match[1].split(","))
    text = _PUBLIC.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
    public = f"{{ {', '.join(sorted(exported))} }}"
    # Only names inside of a function are shortened.
    [script] = minified([(ENTRY, f"export const {public} = (() => {{\n{text}\nreturn {public};\n}})();\n")])
    return script.encode()


def modules(name: str, found: dict[str, str]) -> dict[str, str]:
    """Add the source of a module behind those of the modules that it imports."""
    source = (SOURCES / name).read_text()
    for imported in _IMPORT.findall(source):
        if imported not in found:
            modules(imported, found)
    found.setdefault(name, source)
    return found


@cache
def _library() -> Asset:
    return Asset(joined_library(), "text/javascript")


@cache
def _source(name: str, mimetype: str) -> Asset:
    return Asset((SOURCES / name).read_bytes(), mimetype)


def _send(asset: Asset) -> Response:
    """A file for every origin. Clients revalidate it each time."""
    response = asset.response()
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.cache_control.no_cache = True
    return response
