"""The pytest plugin of `services.py`: one PostgreSQL for a whole run, and a database and a Redis for each worker.

With xdist the controller starts the server before its workers, and passes them the address. Without xdist the first test that
needs it starts it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.packages import Missing
from tests.services import Services, start_services

SERVICES = pytest.StashKey[Services]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests from reading the developer's own `.env`."""
    os.environ["FLASK_SKIP_DOTENV"] = "1"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the address to a worker that is about to start (in the controller)."""
    node.workerinput["services"] = _services_of(node.config).fields()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started."""
    if SERVICES in config.stash:
        config.stash[SERVICES].close()


def _services_of(config: pytest.Config) -> Services:
    if SERVICES not in config.stash:
        given = getattr(config, "workerinput", {}).get("services")
        try:
            config.stash[SERVICES] = Services(**given) if given else start_services()
        except Missing as missing:
            pytest.exit(str(missing), returncode=1)
    return config.stash[SERVICES]


@pytest.fixture(scope="session")
def services(request: pytest.FixtureRequest) -> Services:
    """The servers of the run."""
    return _services_of(request.config)


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this xdist worker: gw0, gw1, ...; gw0 without xdist."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "gw0"))


@pytest.fixture(scope="session")
def postgres_url(services: Services, worker: str) -> str:
    """This worker's own empty PostgreSQL database, for DATABASE_URL."""
    return services.new_database(worker)


@pytest.fixture(scope="session")
def redis_url(services: Services, worker: str) -> Iterator[str]:
    """This worker's own empty Redis, for REDIS_URL."""
    with services.redis(int(worker.removeprefix("gw"))) as url:
        yield url
