"""A process that runs tests against mutants, each in a fork.

It works in a copy of the project. It reads one JSON object a line, and answers each with one. It loads all libraries. For each
mutated module it has a fork of itself that loads also what does not depend on that module; this one forks for each mutant.
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

from tests.mutants.preload import finish, preload
from tests.services import Services

PROJECT = (
    "backend", "tests", "config", "gunicorn", "private_files", "listen_address", "log_formatters", "metrics_folder", "wsgi", "__",
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


def load_libraries(database_url: str) -> list[str]:
    """Import whatever the application and its tests import, except themselves; and migrate the template database.

    Returns the names of the modules that the application consists of, in the order in which it imports them.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _import_project(database_url)
        os.write(writer, "\n".join(sys.modules).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as names:
        imported = names.read().split("\n")
    os.waitpid(child, 0)
    for name in imported:
        if not name.startswith(PROJECT):
            with suppress(ImportError):
                importlib.import_module(name)
    gc.freeze()  # the collector of a fork need not look at them
    return imported


class Forker:
    """A fork of this process that runs the jobs whose edits are of the files *mutated*. It has loaded what needs none of them."""

    def __init__(self, mutated: list[str], imported: list[str], services: dict[str, Any]):
        self.mutated = mutated
        jobs, self._jobs = os.pipe()
        self._answers, answers = os.pipe()
        self._process = os.fork()
        if not self._process:
            os.close(self._jobs)
            preload(imported, mutated)
            gc.freeze()
            with os.fdopen(jobs) as lines:
                for line in lines:
                    os.write(answers, (json.dumps(run(json.loads(line), services)) + "\n").encode())
            os._exit(0)
        os.close(jobs)
        os.close(answers)
        self._reader = os.fdopen(self._answers)

    def run(self, job: str) -> str:
        """The answer to *job*, which is a line."""
        os.write(self._jobs, job.encode())
        return self._reader.readline()

    def close(self) -> None:
        """End the fork."""
        os.close(self._jobs)
        self._reader.close()
        os.waitpid(self._process, 0)


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
    finish()
    import pytest

    from tests.mutants.plugin import MigratedServices, Selection

    selection = Selection(job["ids"], MigratedServices(**services), folder / "failed", job["test_timeouts"])
    options = [*OPTIONS, f"--basetemp={folder / 'tmp'}", *(["-x"] if job["stops"] else [])]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return int(pytest.main([*options, *job["files"]], plugins=[selection]))


def main() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ["FLASK_SKIP_DOTENV"] = "1"
    sys.dont_write_bytecode = False  # compiled files are of this copy of the project
    services = json.loads(sys.stdin.readline())
    own = Services(**services)
    imported = load_libraries(own.new_database("migrated"))
    forker = Forker([], imported, services)
    for line in sys.stdin:
        mutated = sorted(json.loads(line)["edits"])
        if mutated and mutated != forker.mutated:
            forker.close()
            forker = Forker(mutated, imported, services)
        print(forker.run(line), end="", file=answers, flush=True)


if __name__ == "__main__":
    main()
