"""The files of the page: those of `static/app/` and `static/vendor/`, one style sheet, and the client library.

There is no build step. The files are read, joined and made smaller when the first one is requested. They are served under an
address that contains a hash of them all, so that browsers may keep them for ever.
"""

from __future__ import annotations

import logging
import re
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from subprocess import CalledProcessError
from threading import Lock

from flask import current_app

from backend.web.assets import Asset
from backend.web.client_library import joined_library
from backend.web.joining import joined
from backend.web.minify import minified
from backend.web.modules import resolved

_making = Lock()
logger = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
FOLDERS = ("app", "vendor")
MAIN = "app/main.js"
CONVERSATION = "app/conversation/pane.js"
LIBRARY = "confab.js"
STYLE = "style.css"
STYLES = "app/styles/index.css"
"""The list of the style sheets: an `@import` for each, in the order in which they are joined."""
WORKER = "app/sw.js"
"""The service worker. Its address must not change, so it is no file of the bundle."""

_IMPORT = re.compile(r"""(?:(?<=[;}\n])|\A)(?:import|export)(?:[\w$*{},\s]*?from)?\s*['"]([^'"]+)['"]""")
_STYLE_IMPORT = re.compile(r"""^@import\s+(?:url\()?['"]([^'"]+)['"]\)?;""", re.MULTILINE)


class Bundle:
    """All *files* of the page, by their name below the address of the bundle, and the script of its service *worker*."""

    def __init__(self, files: dict[str, Asset], worker: bytes):
        self.files = files
        self.worker = worker

    @cached_property
    def digest(self) -> str:
        """A hash of all files as they are served."""
        names = "".join(f"{name} {asset.digest}\n" for name, asset in sorted(self.files.items()))
        return sha256(names.encode()).hexdigest()[:16]

    @cached_property
    def first_modules(self) -> list[str]:
        """The modules that the page imports at its start, its main module first, without those that it imports when needed."""
        found: dict[str, None] = {}
        self._add_imports(MAIN, found)
        return list(found)

    @property
    def prefix(self) -> str:
        """The path of all files, with the hash."""
        return f"/app/{self.digest}/"

    def address(self, name: str) -> str:
        """The path of a file."""
        return self.prefix + name

    def _add_imports(self, name: str, found: dict[str, None]) -> None:
        if name in found or name not in self.files:
            return
        found[name] = None
        for imported in imports(name, self.files[name].content.decode()):
            self._add_imports(imported, found)


def imports(name: str, script: str) -> list[str]:
    """The names of the modules that the module *name* imports at its start."""
    return [resolved(name, path) for path in _IMPORT.findall(script)]


def bundle() -> Bundle:
    """The current bundle. Only in development it is made again after a file has changed."""
    is_development = current_app.config["CONFAB"].app_env == "development"
    state = _state() if is_development else None
    with _making:  # the first requests after a start come together, and one of them makes it
        return made(state)


@lru_cache(maxsize=1)
def made(state: object) -> Bundle:
    """The bundle of the files as they are. It is kept until *state* changes."""
    sources = _sources()
    texts = _smaller(_texts(sources))
    worker = texts.pop(WORKER).encode()
    files = {name: Asset.named(name, text.encode()) for name, text in texts.items()}
    for name, path in sources.items():
        if name.startswith("vendor/") or not name.endswith((".js", ".css", ".d.ts")):
            files[name] = Asset.named(name, path.read_bytes())
    files[LIBRARY] = Asset.named(LIBRARY, joined_library())
    return Bundle(files, worker)


def _state() -> tuple[tuple[str, int], ...]:
    return tuple((name, path.stat().st_mtime_ns) for name, path in _sources().items())


def _sources() -> dict[str, Path]:
    paths = [path for folder in FOLDERS for path in sorted((STATIC / folder).rglob("*")) if path.is_file()]
    names = {path.relative_to(STATIC).as_posix(): path for path in paths}
    return {name: path for name, path in names.items() if not any(part.startswith(".") for part in name.split("/"))}


def _texts(sources: dict[str, Path]) -> dict[str, str]:
    """The scripts of the page and of its service worker, and its style sheet, each joined."""
    scripts = {name: path.read_text() for name, path in sources.items() if _is_own_script(name)}
    return {
        **joined(MAIN, scripts, CONVERSATION),
        WORKER: sources[WORKER].read_text(),
        STYLE: joined_style(sources),
    }


def _smaller(texts: dict[str, str]) -> dict[str, str]:
    try:
        return dict(zip(texts, minified(texts.items()), strict=True))
    except CalledProcessError as error:  # one that is being edited may have a fault, which the browser reports best
        logger.warning("The page's scripts and styles are served as they are: %s", error.stderr.strip())
        return texts


def _is_own_script(name: str) -> bool:
    return name.startswith("app/") and name.endswith(".js") and name != WORKER


def joined_style(sources: dict[str, Path]) -> str:
    """The style sheets of *sources* in one, in the order of their list."""
    index = sources[STYLES].read_text()
    names = [resolved(STYLES, path) for path in _STYLE_IMPORT.findall(index)]
    return "\n".join([sources[name].read_text() for name in names if name in sources] + [_STYLE_IMPORT.sub("", index)])
