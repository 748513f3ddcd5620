"""The application on a real port, and what the browser reports of its pages."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import make_server

from backend.web import bundle
from tests.conftest import wipe
from tests.web.page_log import PageLog


@pytest.fixture
def log(page: Page) -> PageLog:
    return PageLog(page)


@pytest.fixture(scope="module")
def url(sqlite_app: Flask) -> Iterator[str]:
    """The application on a real port."""
    server = make_server("127.0.0.1", 0, sqlite_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    with sqlite_app.app_context():
        wipe()


SMALL_PAGE = {
    "app/main.js": "import { h } from '../vendor/preact.js'; // why\nimport { far } from './part/far.js';\nfar(h);\n",
    "app/theme.js": "document.documentElement.dataset.theme = 'dark';\n",
    "app/part/far.js": "export { near } from './near.js';\nexport const far = () => import('./later.js');\n",
    "app/part/near.js": "import { Confab } from '../../confab.js';\nexport const near = Confab;\n",
    "app/part/later.js": "export default 1;\n",
    "app/styles/index.css": "@import './second.css';\n@import \"../part/first.css\";\n/* last */\na { top: 1px }\n",
    "app/styles/second.css": "b { top: 2px; }\n",
    "app/part/first.css": "i { top: 3px; }\n",
    "app/.hidden.js": "1;\n",
    "vendor/preact.js": "export const h = 1; // kept\n",
}


@pytest.fixture
def small_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A page of a few lines in place of the real one. Returns the folder of its files, which the test may change."""
    folder = tmp_path / "static"
    for name, text in SMALL_PAGE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(bundle.STATIC / bundle.WORKER, folder / bundle.WORKER)
    monkeypatch.setattr(bundle, "STATIC", folder)
    bundle.made.cache_clear()
    yield folder
    bundle.made.cache_clear()
