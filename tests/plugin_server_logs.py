"""Shows with a failed test what the servers logged while it ran. A server that several tests share is gone after the run."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.servers import Server, running_servers

MAX_LINES = 200
STARTS = pytest.StashKey[dict[Server, int]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep how long each log was before the test."""
    item.stash[STARTS] = {server: server.log_size() for server in running_servers}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a section for each server that logged anything."""
    report = yield
    if report.failed:
        starts = item.stash.get(STARTS, {})
        for server in running_servers:
            lines = server.output(starts.get(server, 0)).splitlines()
            if lines:
                report.sections.append((f"log of {server.url}", "\n".join(lines[-MAX_LINES:])))
    return report
