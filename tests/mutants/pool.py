"""Workers that run tests against mutants, each in its own copy of the project, with its own databases and Redis."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from tests.processes import end
from tests.services import PrivateRedis, start_services

ROOT = Path(__file__).resolve().parents[2]


def copy_project(target: Path) -> None:
    """Copy every file that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


class Pool:
    """*count* workers, with PostgreSQL and Redis servers that they share or own. The constructor starts all of them."""

    def __init__(self, project: Path, count: int):
        self._stack = ExitStack()
        self._free: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        self.lock = threading.Lock()
        self.count = count
        self.tried: set[str] = set()
        """Tests that were run without a mutant."""
        self.failing: set[str] = set()
        """Those of them that failed."""
        services = start_services()
        self._stack.callback(services.close)
        for number in range(count):
            folder = project.parent / f"worker{number}"
            shutil.copytree(project, folder / "project")
            redis = self._stack.enter_context(PrivateRedis())
            fields = services.fields() | {"redis_url": redis.url, "run": f"{services.run}_{number}"}
            self._free.put(self._start(folder / "project", fields))

    def _start(self, folder: Path, services: dict[str, Any]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.mutants.worker"]
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._stack.callback(end, process)
        self._tell(process, services)
        return process

    def _tell(self, process: subprocess.Popen[str], message: dict[str, Any]) -> None:
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Have the next free worker do *job*, and return its answer."""
        process = self._free.get()
        try:
            self._tell(process, job)
            return dict(json.loads(process.stdout.readline()))
        finally:
            self._free.put(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
