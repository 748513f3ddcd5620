"""The pytest plugin of the run that measures which test reaches which line: it records how long each test takes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


class Recorder:
    """Writes the seconds of each test that passed, in all its phases, to a file when the run ends."""

    def __init__(self, path: Path):
        self.path = path
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        if report.when == "call" or report.nodeid in self.seconds:
            self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration

    def pytest_sessionfinish(self) -> None:
        passed = {nodeid: seconds for nodeid, seconds in self.seconds.items() if nodeid not in self.failed}
        self.path.write_text(json.dumps({"seconds": passed, "failed": sorted(self.failed)}))


def pytest_configure(config: pytest.Config) -> None:
    """In the run that measures which test reaches which line: record."""
    path = os.environ.get("MUTANTS_RECORD")
    if path and not hasattr(config, "workerinput"):
        plugin: Any = Recorder(Path(path))
        config.pluginmanager.register(plugin)
