"""A process that runs tests against mutants, each in a fork of itself that has all libraries loaded, but not `backend`.

It works in a copy of the project. It reads one JSON object a line, and answers each with one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.services import Services

PROJECT = (
    "backend", "tests", "config", "gunicorn", "private_files", "json_formatter", "listen_address", "metrics_folder", "wsgi", "__",
)  # fmt: skip
NO_TESTS = 5
OPTIONS = [
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "_hypothesis_pytestplugin",
    "-p",
    "pytest_cov.plugin",
    "--hypothesis-seed=0",
]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]


def load_libraries(database_url: str) -> None:
    """Import whatever the application and its tests import, except themselves; and migrate the template database."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _import_project(database_url)
        os.write(writer, "\n".join(sys.modules).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as names:
        wanted = [name for name in names.read().split("\n") if not name.startswith(PROJECT)]
    os.waitpid(child, 0)
    for name in wanted:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # the collector of a fork need not look at them


def _import_project(database_url: str) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what migrations print
    from flask_migrate import upgrade

    importlib.import_module("tests.conftest")
    importlib.import_module("tests.realtime.conftest")
    from backend import create_app
    from config import Config

    with tempfile.TemporaryDirectory() as folder:
        settings = {"APP_ENV": "testing", "INSTANCE_DIR": folder, "DATABASE_URL": database_url, "LOG_LEVEL": "warning"}
        app = create_app(Config.from_env(settings))
        with app.app_context():
            upgrade()


def run(job: dict[str, Any], services: dict[str, Any]) -> dict[str, Any]:
    """Run the tests of *job* with its edits made, and return the outcome: `passed`, `failed` or `timeout`."""
    originals = {Path(name): Path(name).read_text() for name in job["edits"]}
    for name, text in job["edits"].items():
        _write(Path(name), text)
    try:
        return _in_fork(job, services)
    finally:
        for path, text in originals.items():
            _write(path, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    # A compiled file counts as current if the source has the same size and second.
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


def _in_fork(job: dict[str, Any], services: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=Path.cwd().parent))
    child = os.fork()
    if not child:
        status = 70
        try:
            status = _run_tests(job, services, folder)
        finally:
            os._exit(status)
    descriptor = os.pidfd_open(child)
    is_late = not select.select([descriptor], [], [], job["timeout"])[0]
    os.close(descriptor)
    if is_late:
        os.killpg(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    failed = json.loads(text) if (text := _read(folder / "failed")) else []
    output = _read(folder / "output")[-3000:]
    shutil.rmtree(folder, ignore_errors=True)
    outcome = "timeout" if is_late else "passed" if status in {0, NO_TESTS} else "failed"
    seconds = round(time.monotonic() - began, 2)
    return {"outcome": outcome, "status": status, "failed": failed, "seconds": seconds, "output": output}


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _run_tests(job: dict[str, Any], services: dict[str, Any], folder: Path) -> int:
    os.setsid()
    output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    import pytest

    from tests.mutants.plugin import MigratedServices, Selection

    selection = Selection(job["ids"], MigratedServices(**services), folder / "failed", job["test_timeout"])
    options = [*OPTIONS, f"--basetemp={folder / 'tmp'}", *(["-x"] if job["stops"] else [])]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return int(pytest.main([*options, *job["files"]], plugins=[selection]))


def main() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ["FLASK_SKIP_DOTENV"] = "1"
    services = json.loads(sys.stdin.readline())
    own = Services(**services)
    load_libraries(own.new_database("migrated"))
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), services)), file=answers, flush=True)


if __name__ == "__main__":
    main()
