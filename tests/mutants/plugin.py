"""The pytest plugin of a run against a mutant: it selects the tests, and gives them the servers of `make mutants`."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.plugin_services import SERVICES
from tests.services import Services

TEMPLATE = "migrated"
LONGEST_SECONDS = 200
"""The limit of a test whose time was not measured."""
DATABASE = "gw0"
"""The name of the database that the fixture `postgres_url` asks for."""

# No search for the smallest failing example: that a test fails is enough.
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None, deadline=None)
settings.load_profile("mutants")


class MigratedServices(Services):
    """Services whose first database is a copy of one that is migrated already."""

    def new_database(self, name: str, template: str | None = None) -> str:
        return super().new_database(name, TEMPLATE if name == DATABASE and template is None else template)


class Selection:
    """Runs the tests of *ids* in that order (all tests, if it is None), on the servers of *services*.

    Writes the failed tests to *output*, and ends the process: pytest's own end would only collect its garbage. A test that takes
    longer than its *timeouts* (in seconds, by its id) ends it too.
    """

    def __init__(self, ids: list[str] | None, services: Services, output: Path, timeouts: dict[str, int]):
        self.ids, self.services, self.output, self.timeouts = ids, services, output, timeouts
        self.failed: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[SERVICES] = self.services

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.ids is not None:
            order = {nodeid: index for index, nodeid in enumerate(self.ids)}
            items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.alarm(self.timeouts.get(nodeid, LONGEST_SECONDS))  # which ends the process

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)
            print(report.longreprtext)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self.output.write_text(json.dumps(self.failed))
        sys.stdout.flush()
        os._exit(exitstatus)
